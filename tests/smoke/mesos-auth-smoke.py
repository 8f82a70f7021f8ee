"""mesos-auth alone: a secret is kept out of sight."""

from mesos_auth import Credential

credential = Credential("principal", "hidden")
assert "hidden" not in repr(credential) and "principal" in repr(credential)
print("mesos-auth: works")
