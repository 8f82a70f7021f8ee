"""Run an executor against a listener that plays the agent: it registers."""

from __future__ import annotations

import queue

from mesos_executor import Executor, MesosExecutorDriver, Status
from mesos_messenger import Messenger
from mesos_proto.v0 import messages_pb2 as internal

registrations: queue.Queue[internal.RegisterExecutorMessage] = queue.Queue()
agent = Messenger("slave(1)", bind="127.0.0.1:0")
agent.install(internal.RegisterExecutorMessage, lambda sender, message: registrations.put(message))
agent.start()
environ = {
    "MESOS_SLAVE_PID": str(agent.upid),
    "MESOS_SLAVE_ID": "S0",
    "MESOS_FRAMEWORK_ID": "F0",
    "MESOS_EXECUTOR_ID": "smoke",
    "MESOS_DIRECTORY": "/tmp",
    "MESOS_LOCAL": "1",
}
driver = MesosExecutorDriver(Executor(), environ)
driver.start()
assert registrations.get(timeout=30).executor_id.value == "smoke"
driver.stop()
assert driver.join() is Status.STOPPED
agent.stop()
print("mesos-executor: works")
