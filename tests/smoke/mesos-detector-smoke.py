"""mesos-detector alone: a master string is understood, a malformed one refused."""

from mesos_detector import MalformedMasterError, ZooKeeperAddress, parse_master

address = parse_master("zk://user:secret@host:2181/mesos")
assert isinstance(address, ZooKeeperAddress)
assert "secret" not in repr(address)
try:
    parse_master("zk://host:2181")
except MalformedMasterError:
    print("mesos-detector: works")
