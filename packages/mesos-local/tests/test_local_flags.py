"""Flags and the text forms behind them."""

from __future__ import annotations

import pyglog
import pytest
from mesos_local import ConfigurationError, LocalCluster
from mesos_local.cli import FLAGS, cluster_from, main, parse
from mesos_local.config import default_resources, parse_attributes, parse_resources, parse_weights
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos


def test_flags_win_over_the_environment_and_that_over_the_defaults() -> None:
    environment = {"MESOS_PORT": "1", "MESOS_NUM_SLAVES": "3", "MESOS_UNKNOWN": "x"}
    values, texts, _ = parse(["--port=0", "-roles=dev,ops", "--no-root_submissions"], environment)
    assert (values["port"], values["num_slaves"], values["roles"]) == (0, 3, frozenset({"dev", "ops"}))
    assert values["root_submissions"] is False
    assert values["agent_reregister_timeout"] == 600.0
    assert texts["port"] == "0" and texts["allocation_interval"] == "1secs"
    assert "offer_timeout" not in texts


def test_flags_become_settings() -> None:
    arguments = ["--port=0", "--authenticate_frameworks", "--offer_timeout=30secs", "--weights=dev=2"]
    values, texts, _ = parse(
        [*arguments, "--hostname=here", "--recovery_timeout=1mins", "--num_slaves=2"], {}
    )
    cluster = cluster_from(values, texts)
    with cluster:
        settings = cluster.master.session.state.settings
        assert settings.authenticate_frameworks and settings.offer_timeout == 30.0
        assert settings.weights == {"dev": 2.0}
        agents = [each.session.state for each in cluster.agents]
        assert [each.settings.recovery_timeout for each in agents] == [60.0, 60.0]
        assert {each.info.hostname for each in agents} == {"here"}


def test_flags_of_agents_become_their_settings() -> None:
    variables = '--executor_environment_variables={"NAME": "value"}'
    values, texts, _ = parse(["--port=0", "--fetcher_cache_size=5MB", "--no-limit_memory", variables], {})
    with cluster_from(values, texts) as cluster:
        settings = cluster.agents[0].session.state.settings
    assert (settings.fetcher_cache_size, settings.limit_memory) == (5 << 20, False)
    assert settings.executor_environment == (("NAME", "value"),)
    assert settings.command_executor and settings.default_executor


@pytest.mark.parametrize(
    "argument",
    [
        "--port=x",
        "--offer_timeout=3",
        "--roles=a b",
        "--authenticate_frameworks=maybe",
        "--weights=dev",
        "--quorum=0",
        "--fetcher_cache_size=5",
        "--executor_environment_variables=[]",
        "--executor_environment_variables={",
        "--what",
    ],
)
def test_bad_flags_are_refused(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([argument], {})
    assert ended.value.code == 2
    assert argument.partition("=")[0] in capsys.readouterr().err


def test_flags_of_several_masters_are_read_and_no_password_is_shown() -> None:
    zk = "zk://user:secret@host:2181/mesos"
    values, texts, _ = parse([f"--zk={zk}", "--masters=3", "--quorum=2", "--zk_session_timeout=2secs"], {})
    assert (values["masters"], values["quorum"], values["zk_session_timeout"]) == (3, 2, 2.0)
    assert texts["zk"] == "zk://***@host:2181/mesos" and texts["registry"] == "replicated_log"
    assert cluster_from(values, texts).zk == zk


@pytest.mark.parametrize(
    "argument",
    [
        "--resources=cpus",
        "--attributes=rack",
        "--credentials=/no/such/file",
        "--masters=2",
        "--zk=here",
        "--registry=etcd",
    ],
)
def test_what_cannot_be_used_ends_the_program(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        with pyglog.overridden():
            assert main(["--port=0", argument]) == 1
    finally:
        pyglog.uninstall()
    assert "mesos-local: " in capsys.readouterr().err


def test_every_flag_is_described() -> None:
    assert all(flag.help for flag in FLAGS)
    assert len({flag.name for flag in FLAGS}) == len(FLAGS)


def test_agents_of_one_host_get_different_ports_and_a_share_of_the_rest() -> None:
    alone, first, second = (Resources(default_resources(*each)) for each in ((1, 1), (1, 2), (2, 2)))
    assert (first.scalar("mem") or 0.0) < (alone.scalar("mem") or 0.0)
    assert first.get("ports") != second.get("ports")


def test_attributes_are_read() -> None:
    rack, cores = parse_attributes("rack:r1;cores:8")
    assert (rack.type, rack.text.value) == (mesos.Value.TEXT, "r1")
    assert (cores.type, cores.scalar.value) == (mesos.Value.SCALAR, 8.0)
    with pytest.raises(ConfigurationError, match="rack:r1"):
        parse_attributes("rack")


@pytest.mark.parametrize("text", ["dev", "dev=x", "=2", "dev=0", "dev=-1"])
def test_bad_weights_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"role=2\.5"):
        parse_weights(text)


@pytest.mark.parametrize("text", ["cpus", "cpus:x", "cpus:-1", '[{"name": 1}]'])
def test_bad_resources_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        parse_resources(text)
    with pytest.raises(ConfigurationError):
        LocalCluster(resources=text)
