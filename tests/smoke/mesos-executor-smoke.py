"""mesos-executor alone: without an agent's environment it says what is missing."""

from mesos_executor import AgentEnvironmentError, Executor, MesosExecutorDriver

try:
    MesosExecutorDriver(Executor(), environ={}).run()
except AgentEnvironmentError as error:
    assert "MESOS_SLAVE_PID" in str(error), error
    print("mesos-executor: works")
