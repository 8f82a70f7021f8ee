"""mesos-executor alone: without an agent's environment it says what is missing."""

from mesos_executor import AgentEnvironmentError, Executor, MesosExecutorDriver
from mesos_executor.v1 import HttpExecutorDriver

for driver in MesosExecutorDriver, HttpExecutorDriver:
    try:
        driver(Executor(), environ={}).run()
    except AgentEnvironmentError as error:
        assert "MESOS_SLAVE_PID" in str(error), error
    else:
        raise AssertionError(driver)
print("mesos-executor: works")
