"""mesos-scheduler alone: a driver without a master starts, stops and leaves nothing."""

import threading

from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import MesosSchedulerDriver, Scheduler, Status

driver = MesosSchedulerDriver(
    Scheduler(), mesos.FrameworkInfo(name="x", failover_timeout=60), "127.0.0.1:9", bind="127.0.0.1:0"
)
assert driver.start() is Status.RUNNING
assert driver.stop() is Status.STOPPED
assert driver.join(timeout=30) is Status.STOPPED
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(10)
        assert not thread.is_alive(), thread
print("mesos-scheduler: works")
