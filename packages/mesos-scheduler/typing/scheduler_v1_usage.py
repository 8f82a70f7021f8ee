"""How the v1 driver and client are used, for the type checker."""

from __future__ import annotations

from mesos_auth import BasicAuth, BearerAuth, Credential
from mesos_http import JSON, RequestsTransport, Settings
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler import FileFrameworkIdStore, Scheduler, SchedulerDriver, Status
from mesos_scheduler.v1 import Client, HttpOptions, HttpSchedulerDriver, Subscription, calls


class Mine(Scheduler):
    def operation_status_update(self, driver: SchedulerDriver, status: mesos.OperationStatus) -> None:
        print(status.state)


def with_a_driver(framework: mesos.FrameworkInfo) -> Status:
    driver = HttpSchedulerDriver(
        Mine(),
        framework,
        "https://master:5050/api/v1/scheduler",
        codec=JSON,
        auth=BasicAuth(Credential("principal", "secret")),
        framework_id_store=FileFrameworkIdStore("id"),
        transport=lambda: RequestsTransport(verify="ca.pem"),
        settings=Settings(timeout=3),
        options=HttpOptions(backoff_max=5.0),
    )
    with driver:
        status: Status = driver.reconcile_operations()
        driver.launch_tasks(mesos.OfferID(value="o"), [])
        print(status)
    return driver.run()


def without_one(framework: mesos.FrameworkInfo) -> None:
    with Client("http://master:5050", auth=BearerAuth("token")) as client:
        subscription: Subscription = client.subscribe(framework)
        for event in subscription:
            kind: scheduler.Event.Type.ValueType = event.type
            print(kind)
        client.call(calls.revive(mesos.FrameworkID(value="f")), subscription.stream_id)
