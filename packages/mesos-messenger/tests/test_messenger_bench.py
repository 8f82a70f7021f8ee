"""The benchmark runs, and says what it is to say."""

from __future__ import annotations

import json

import pytest
from mesos_messenger import bench

KEYS = {"ns_per_op", "ops_per_s", "floor_ns_per_op", "ratio_to_floor", "slow_path", "peak_rss_mb"}


@pytest.mark.parametrize(
    ("pattern", "size", "more"),
    [
        ("send", "medium", []),
        ("send-recv", "small", []),
        ("send-recv", "mixed", ["--senders=5"]),
        ("send-recv", "large", ["--processes=2"]),
        ("send", "small", ["--processes=2"]),
        ("ping-pong", "big", []),
        ("ping-pong", "small", ["--processes=2"]),
    ],
)
def test_bench(pattern: str, size: str, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [f"--pattern={pattern}", f"--size={size}", "--count=500", "--json", *more]
    assert bench.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert result.keys() >= KEYS and result["slow_path"] == 0
    assert result["ns_per_op"] > 0 and result["floor_ns_per_op"] > 0
    assert ("p50_us" in result and "p99_us" in result) == (pattern == "ping-pong")


def test_bench_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--count=100", "--no-floor"]) == 0
    output = capsys.readouterr().out
    assert "ns_per_op" in output and "floor_ns_per_op" not in output
    with pytest.raises(SystemExit):
        bench.main(["--count=0"])
