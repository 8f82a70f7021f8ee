"""mesos-proto alone: a message of either version, there and back."""

from mesos_proto import devolve, evolve
from mesos_proto.v1 import mesos_pb2 as mesos

task = mesos.TaskInfo(name="wheel", task_id=mesos.TaskID(value="1"), agent_id=mesos.AgentID(value="a"))
assert devolve(task).slave_id.value == "a"
assert evolve(devolve(task)) == task
print("mesos-proto: works")
