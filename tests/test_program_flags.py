"""The flags of the v1 example scheduler: Go's names, defaults, variables and forms."""

from __future__ import annotations

import pytest
from httpv1.flags import FLAGS, duration, parse_flags
from mesos_proto.v1 import mesos_pb2 as mesos

# Name, variable, default, another value, and that value read: as in mesos-go's config.go.
TABLE = [
    ("user", "FRAMEWORK_USER", "root", "me", "me"),
    ("name", "FRAMEWORK_NAME", "example", "mine", "mine"),
    ("role", "FRAMEWORK_ROLE", "*", "dev", "dev"),
    ("url", "MESOS_MASTER_HTTP", "http://127.0.0.1:5050/api/v1/scheduler", "zk://h/m", "zk://h/m"),
    ("codec", "", "protobuf", "JSON", "json"),
    ("timeout", "MESOS_CONNECT_TIMEOUT", 20.0, "1m", 60.0),
    ("failoverTimeout", "SCHEDULER_FAILOVER_TIMEOUT", 3_600_000.0, "0", 0.0),
    ("checkpoint", "", True, "false", False),
    ("principal", "", "", "me", "me"),
    ("hostname", "", "", "here", "here"),
    ("label", "", [], "a=b", [mesos.Label(key="a", value="b")]),
    ("server.address", "LIBPROCESS_IP", "127.0.0.1", "10.2.0.5", "10.2.0.5"),
    ("server.port", "", 0, "8080", 8080),
    ("executor", "EXEC_BINARY", "/opt/example-executor", "x.pyz", "x.pyz"),
    ("tasks", "NUM_TASKS", 5, "10", 10),
    ("verbose", "", False, "T", True),
    ("cpu", "TASK_CPU", 1.0, "0.1", 0.1),
    ("memory", "TASK_MEMORY", 64.0, "32", 32.0),
    ("exec.cpu", "EXEC_CPU", 0.01, "1", 1.0),
    ("exec.memory", "EXEC_MEMORY", 64.0, "128.5", 128.5),
    ("revive.burst", "REVIVE_BURST", 3, "0", 0),
    ("revive.wait", "REVIVE_WAIT", 1.0, "1.5s", 1.5),
    ("metrics.port", "PORT0", 64009, "0", 0),
    ("metrics.path", "METRICS_API_PATH", "/metrics", "/m", "/m"),
    ("resourceTypeMetrics", "", False, "1", True),
    ("maxRefuseSeconds", "MAX_REFUSE_SECONDS", 5.0, "250ms", 0.25),
    ("jobRestartDelay", "JOB_RESTART_DELAY", 5.0, "1s", 1.0),
    ("summaryMetrics", "", False, "TRUE", True),
    ("exec.image", "EXEC_IMAGE", "", "image:1", "image:1"),
    ("compression", "", False, "true", True),
    ("credentials.username", "AUTH_USER", "", "me", "me"),
    ("credentials.passwordFile", "AUTH_PASSWORD_FILE", "", "secret", "secret"),
    ("authmode", "AUTH_MODE", "", "basic", "basic"),
    ("gpuClusterCompat", "", False, "true", True),
]
CREDENTIALS = ["-credentials.username=me", "-credentials.passwordFile=secret"]


def value(name: str, arguments: list[str], environ: dict[str, str] | None = None) -> object:
    return getattr(parse_flags(arguments, environ or {}), name.replace(".", "_"))


def test_the_table_has_every_flag() -> None:
    assert [row[0] for row in TABLE] == [flag.name for flag in FLAGS]


@pytest.mark.parametrize(("name", "variable", "default", "text", "wanted"), TABLE)
def test_a_flag(name: str, variable: str, default: object, text: str, wanted: object) -> None:
    others = CREDENTIALS if name == "authmode" else []
    assert value(name, [], {}) == default
    for arguments in ([f"-{name}={text}"], [f"--{name}={text}"], [f"-{name}", text], [f"--{name}", text]):
        assert value(name, [*others, *arguments]) == wanted
    if variable:
        assert value(name, others, {variable: text}) == wanted
        assert value(name, [], {variable: ""}) == default
    if isinstance(default, bool):
        assert value(name, [f"-{name}", "-tasks=2"]) is True


def test_a_flag_wins_over_its_variable() -> None:
    assert value("tasks", ["-tasks=7"], {"NUM_TASKS": "8"}) == 7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("300ms", 0.3),
        ("1.5h", 5400),
        ("2h45m", 9900),
        (".5s", 0.5),
        ("+1us1ns", 1.001e-6),
        ("1µs", 1e-6),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


def test_labels_keep_their_order_and_may_have_no_value() -> None:
    found = value("label", ["-label=a=b:c", "-label", "d:e=f", "-label=g", "-label=h="])
    assert found == [
        mesos.Label(key="a", value="b:c"),
        mesos.Label(key="d", value="e=f"),
        mesos.Label(key="g"),
        mesos.Label(key="h"),
    ]


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["-name="], {}, ["-name", "empty"]),
        (["-tasks=0"], {}, ["-tasks", "at least 1"]),
        (["-tasks=ten"], {}, ["-tasks", "'ten'"]),
        (["-tasks=-1"], {}, ["-tasks", "negative"]),
        (["-timeout=20"], {}, ["-timeout", "1h30m"]),
        (["-timeout=0s"], {}, ["-timeout", "more than 0"]),
        (["-revive.wait=-1s"], {}, ["-revive.wait", "negative"]),
        (["-revive.wait=0"], {}, ["-revive.wait", "more than 0"]),
        (["-server.port=65536"], {}, ["-server.port", "65535"]),
        (["-cpu=nan"], {}, ["-cpu", "'nan'"]),
        (["-memory=much"], {}, ["-memory", "'much'"]),
        (["-verbose=maybe"], {}, ["-verbose", "'maybe'"]),
        (["-codec=xml"], {}, ["-codec", "'xml'"]),
        (["-label==x"], {}, ["-label", "no key"]),
        (["-authmode=digest"], {}, ["-authmode", "only basic"]),
        (["-authmode=basic"], {}, ["-authmode", "-credentials.username", "-credentials.passwordFile"]),
        (["-metrics.path=metrics"], {}, ["-metrics.path", "slash"]),
        (["-executor="], {}, ["-executor", "-exec.image"]),
        (["-task=3"], {}, ["-task=3"]),
        (["more"], {}, ["more"]),
        ([], {"NUM_TASKS": "ten"}, ["NUM_TASKS", "'ten'"]),
        ([], {"MESOS_CONNECT_TIMEOUT": "20"}, ["MESOS_CONNECT_TIMEOUT", "1h30m"]),
    ],
)
def test_what_cannot_be_is_named(
    arguments: list[str], environ: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_flags(arguments, environ)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert all(word in error for word in words), error


def test_help_lists_each_flag_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_flags(["-help"], {})
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for name, variable, *_ in TABLE:
        assert f"  -{name}" in shown and variable in shown
