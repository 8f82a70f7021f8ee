"""The environment an agent gives, as one value."""

from __future__ import annotations

import pytest
from executor_helpers import ENVIRON, environment
from mesos_executor import AgentEnvironmentError, ExecutorEnvironment

REQUIRED = [name for name in ENVIRON if name != "MESOS_CHECKPOINT"]


def test_defaults_are_those_of_old_agents() -> None:
    value = environment()
    assert str(value.agent) == "slave(1)@127.0.0.1:5051"
    assert (value.agent_id, value.framework_id, value.executor_id) == (
        "agent-S0",
        "framework-0001",
        "default",
    )
    assert (value.directory, value.sandbox) == ("/sandbox", "/sandbox")
    assert (value.checkpoint, value.local) == (False, False)
    assert (value.recovery_timeout, value.shutdown_grace_period) == (900.0, 5.0)
    assert (value.bind_ip, value.bind_port) == (None, 0)
    assert (value.advertise_ip, value.advertise_port) == (None, None)
    assert (value.require_peer_address_ip_match, value.tls) == (False, None)


def test_everything_is_read() -> None:
    value = environment(
        MESOS_CHECKPOINT="1",
        MESOS_RECOVERY_TIMEOUT="1.5mins",
        MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="10secs",
        MESOS_SANDBOX="/mnt/mesos/sandbox",
        MESOS_LOCAL="",
        LIBPROCESS_IP="10.0.0.1",
        LIBPROCESS_PORT="31000",
        LIBPROCESS_ADVERTISE_IP="192.168.0.1",
        LIBPROCESS_ADVERTISE_PORT="31001",
        LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH="true",
        LIBPROCESS_SSL_ENABLED="1",
        LIBPROCESS_SSL_CERT_FILE="/cert",
        LIBPROCESS_SSL_KEY_FILE="/key",
    )
    assert value.checkpoint is True
    assert value.recovery_timeout == 90.0
    assert value.shutdown_grace_period == 10.0
    assert value.sandbox == "/mnt/mesos/sandbox"
    assert value.local is True
    assert (value.bind_ip, value.bind_port) == ("10.0.0.1", 31000)
    assert (value.advertise_ip, value.advertise_port) == ("192.168.0.1", 31001)
    assert value.require_peer_address_ip_match is True
    assert value.tls is not None
    assert (value.tls.cert_file, value.tls.key_file) == ("/cert", "/key")


@pytest.mark.parametrize("text", ["0", "", "true", "yes", "11"])
def test_checkpointing_is_on_for_1_alone(text: str) -> None:
    assert environment(MESOS_CHECKPOINT=text).checkpoint is False


def test_the_recovery_timeout_counts_when_checkpointing_only() -> None:
    assert environment(MESOS_RECOVERY_TIMEOUT="nonsense").recovery_timeout == 900.0
    with pytest.raises(AgentEnvironmentError, match="MESOS_RECOVERY_TIMEOUT is 'nonsense'"):
        environment(MESOS_CHECKPOINT="1", MESOS_RECOVERY_TIMEOUT="nonsense")


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(AgentEnvironmentError) as raised:
        ExecutorEnvironment.from_environ({"MESOS_SLAVE_PID": ""})
    for name in REQUIRED:
        assert name in str(raised.value)
    for name in REQUIRED:
        rest = {key: value for key, value in ENVIRON.items() if key != name}
        with pytest.raises(AgentEnvironmentError, match=f"not in the environment: {name};"):
            ExecutorEnvironment.from_environ(rest)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MESOS_SLAVE_PID", "slave(1)"),
        ("MESOS_SLAVE_PID", "slave(1)@127.0.0.1"),
        ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5"),
        ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", ""),
        ("LIBPROCESS_IP", "not-an-address"),
        ("LIBPROCESS_PORT", "http"),
        ("LIBPROCESS_PORT", "65536"),
        ("LIBPROCESS_ADVERTISE_PORT", "-1"),
        ("LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH", "perhaps"),
        ("LIBPROCESS_SSL_ENABLED", "1"),
    ],
)
def test_what_cannot_be_understood_is_named(name: str, text: str) -> None:
    with pytest.raises(AgentEnvironmentError, match=name):
        environment(**{name: text})


def test_the_agents_own_port_is_not_ours() -> None:
    assert environment(LIBPROCESS_PORT="5051").bind_port == 0
    assert environment(LIBPROCESS_PORT="0").bind_port == 0


def test_the_value_is_frozen() -> None:
    with pytest.raises(AttributeError):
        environment().agent_id = "other"  # type: ignore[misc]
