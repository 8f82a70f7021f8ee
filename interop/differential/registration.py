"""How frameworks register, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mesos_proto.v0 import mesos_pb2 as mesos

from differential.client import Call, Client, Site

MULTI_ROLE = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.MULTI_ROLE)
ERROR = "FrameworkErrorMessage"
REGISTERED = "FrameworkRegisteredMessage"
REREGISTERED = "FrameworkReregisteredMessage"


def new(site: Site) -> None:
    with site.client() as client:
        client.subscribe()
        client.framework_id = client.expect(REGISTERED).framework_id.value
        client.fence()


def twice_without_an_id(site: Site) -> None:
    with site.client() as client:
        first = client.register()
        client.subscribe()
        again = client.expect(REGISTERED).framework_id.value
        site.note("same id", again == first)


def twice_with_its_id(site: Site) -> None:
    with site.client() as client:
        value = client.register(failover_timeout=600)
        client.subscribe(id=mesos.FrameworkID(value=value), failover_timeout=600)
        client.expect(REREGISTERED, REGISTERED)
        client.subscribe(id=mesos.FrameworkID(value=value), failover_timeout=600, force=True)
        client.expect(REREGISTERED, REGISTERED)


def an_id_nobody_gave(site: Site) -> None:
    with site.client() as client:
        client.subscribe(id=mesos.FrameworkID(value="my-framework"), failover_timeout=600)
        client.framework_id = client.expect(REGISTERED, REREGISTERED).framework_id.value
        client.fence()


def _failover(site: Site, force: bool) -> None:
    with site.client() as first, site.client() as second:
        value = first.register(failover_timeout=600)
        second.subscribe(id=mesos.FrameworkID(value=value), failover_timeout=600, force=force)
        second.expect(REGISTERED, REREGISTERED, ERROR)
        second.framework_id = value
        if force:
            first.expect(ERROR)
        first.framework_id = ""


def failover_with_force(site: Site) -> None:
    _failover(site, True)


def failover_without_force(site: Site) -> None:
    with site.client() as first, site.client() as second:
        value = first.register(failover_timeout=600)
        second.subscribe(id=mesos.FrameworkID(value=value), failover_timeout=600)
        second.expect(REGISTERED, REREGISTERED, ERROR)
        first.fence()


def after_teardown(site: Site) -> None:
    with site.client() as first, site.client() as second:
        value = first.register(failover_timeout=600)
        first.call(type=Call.TEARDOWN)
        first.framework_id = ""
        first.subscribe(id=mesos.FrameworkID(value=value), failover_timeout=600)
        first.expect(REGISTERED, REREGISTERED, ERROR)
        second.subscribe(id=mesos.FrameworkID(value=value), failover_timeout=600, force=True)
        second.expect(REGISTERED, REREGISTERED, ERROR)


def _refused(name: str, **fields: Any) -> Callable[[Site], None]:
    def script(site: Site) -> None:
        with site.client() as client:
            client.subscribe(**fields)
            client.expect(ERROR)

    script.__name__ = name
    return script


def _changed(name: str, before: dict[str, Any], after: dict[str, Any]) -> Callable[[Site], None]:
    """Register again with another FrameworkInfo, from the same process."""

    def script(site: Site) -> None:
        with site.client() as client:
            value = client.register(failover_timeout=600, **before)
            client.subscribe(id=mesos.FrameworkID(value=value), failover_timeout=600, **after)
            client.expect(REGISTERED, REREGISTERED, ERROR)
            client.fence()

    script.__name__ = name
    return script


def _roles(client: Client, *roles: str) -> None:
    client.subscribe(roles=roles, capabilities=[MULTI_ROLE])


def several_roles(site: Site) -> None:
    with site.client() as client:
        _roles(client, "a", "b/c")
        client.framework_id = client.expect(REGISTERED).framework_id.value
        client.fence()


def negative_failover_timeout(site: Site) -> None:
    with site.client() as client:
        client.subscribe(failover_timeout=-1)
        message = client.expect(REGISTERED, ERROR)
        if message.DESCRIPTOR.name == REGISTERED:
            client.framework_id = message.framework_id.value


SCRIPTS = (
    new,
    twice_without_an_id,
    twice_with_its_id,
    an_id_nobody_gave,
    failover_with_force,
    failover_without_force,
    after_teardown,
    several_roles,
    _refused("bad_role_slash", role="/a"),
    _refused("bad_role_dots", role=".."),
    _refused("bad_role_dash", role="-a"),
    _refused("bad_role_space", role="a b"),
    _refused("bad_role_empty_part", roles=["a//b"], capabilities=[MULTI_ROLE]),
    _refused("role_and_roles", role="a", roles=["b"], capabilities=[MULTI_ROLE]),
    _refused("roles_without_the_capability", roles=["a", "b"]),
    _refused("roles_twice", roles=["a", "a"], capabilities=[MULTI_ROLE]),
    _refused(
        "suppressed_role_that_is_not_its_own", roles=["a"], capabilities=[MULTI_ROLE], suppressed=("b",)
    ),
    _refused("id_with_a_slash", id=mesos.FrameworkID(value="a/b"), failover_timeout=600),
    _refused("id_of_dots", id=mesos.FrameworkID(value=".."), failover_timeout=600),
    negative_failover_timeout,
    _refused("endless_failover_timeout", failover_timeout=1e300),
    _changed("another_principal", {"principal": "a"}, {"principal": "b"}),
    _changed("another_user", {}, {"user": "nobody"}),
    _changed("another_checkpoint", {"checkpoint": False}, {"checkpoint": True}),
    _changed("another_role", {"role": "a"}, {"role": "b"}),
    _changed("another_name", {}, {"name": "renamed", "webui_url": "http://example.org"}),
)
