"""A reader of log files, written from the grammar in their header, and what else several tests need."""

from __future__ import annotations

import os
import string
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pyglog

GRAMMAR = b"Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n"


@dataclass(frozen=True)
class Line:
    """One record read back."""

    severity: str
    month: int
    day: int
    hour: int
    minute: int
    second: int
    micros: int
    thread: str
    file: str
    line: int
    message: bytes


class Reader:
    """Reads one header by the grammar, character by character."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def one_of(self, chars: str) -> str:
        char = chr(self.data[self.at])
        if char not in chars:
            raise ValueError(f"{char!r} at {self.at} is none of {chars!r}: {self.data!r}")
        self.at += 1
        return char

    def literal(self, text: str) -> None:
        for char in text:
            self.one_of(char)

    def digits(self, count: int) -> int:
        return int("".join(self.one_of(string.digits) for _ in range(count)))

    def until(self, end: bytes) -> bytes:
        stop = self.data.index(end, self.at)
        taken = self.data[self.at : stop]
        self.at = stop + len(end)
        return taken


def parse_line(data: bytes) -> Line:
    """Read one record; raise ValueError or IndexError if it does not begin with a header."""
    reader = Reader(data)
    severity = reader.one_of("IWEF")
    month, day = reader.digits(2), reader.digits(2)
    reader.literal(" ")
    hour = reader.digits(2)
    reader.literal(":")
    minute = reader.digits(2)
    reader.literal(":")
    second = reader.digits(2)
    reader.literal(".")
    micros = reader.digits(6)
    reader.literal(" ")
    column = reader.at
    while reader.data[reader.at : reader.at + 1] == b" ":
        reader.at += 1
    reader.until(b" ")
    thread = data[column : reader.at - 1].decode()
    if len(thread) < 7 or not thread.strip(" ").isdigit():
        raise ValueError(f"bad thread id {thread!r}")
    place = reader.until(b"] ").decode()
    file, _, line = place.rpartition(":")
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61 and file):
        raise ValueError(f"bad header: {data!r}")
    return Line(
        severity, month, day, hour, minute, second, micros, thread, file, int(line), data[reader.at :]
    )


def parse_file(data: bytes) -> list[Line]:
    """Read a log file: its header, then records; lines without a header go on with a message."""
    start = data.index(GRAMMAR) + len(GRAMMAR)
    return parse_records(data[start:])


def parse_records(data: bytes) -> list[Line]:
    """Read records one after the other."""
    records: list[bytes] = []
    for piece in data.splitlines(keepends=True) if b"\r" not in data else _split(data):
        try:
            parse_line(piece)
            records.append(piece)
        except (ValueError, IndexError):
            if not records:
                raise
            records[-1] += piece
    return [parse_line(record) for record in records]


def _split(data: bytes) -> list[bytes]:
    pieces = data.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


class Logs:
    """The log files of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def raw(self, severity: str = "INFO") -> bytes:
        """The latest file of a severity, by its symlink; empty if there is none."""
        pyglog.flush()
        link = self.folder / f"test.{severity}"
        return link.read_bytes() if link.exists() else b""

    def lines(self, severity: str = "INFO") -> list[Line]:
        """The records of the latest file of a severity."""
        data = self.raw(severity)
        return parse_file(data) if data else []

    def messages(self, severity: str = "INFO") -> list[str]:
        """The messages of the latest file of a severity, without their newline."""
        return [line.message.decode().removesuffix("\n") for line in self.lines(severity)]


def run_program(
    source: str, folder: Path, *args: str, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a program with pyglog; its log files go to a folder."""
    path = folder / "program.py"
    path.write_text(source, encoding="utf-8")
    package = str(Path(pyglog.__file__).parent.parent)
    env = {key: value for key, value in os.environ.items() if not key.startswith("GLOG_")}
    env |= {"PYTHONPATH": package, "GLOG_log_dir": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", str(path), *args],
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=folder,
    )


def run_started(source: str, folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a program that begins with `pyglog.init()`."""
    start = "import os, sys, threading, time, pyglog\npyglog.init()\n"
    return run_program(start + textwrap.dedent(source), folder, *args)


def read_files(folder: Path, severity: str = "INFO") -> list[Line]:
    """All records of the files of a severity that `run_program`'s processes made."""
    lines: list[Line] = []
    for path in sorted(folder.glob(f"program.*.log.{severity}.*")):
        data = path.read_bytes()
        if data:  # an interrupt in the midst of its making leaves a file empty
            lines += parse_file(data)
    return lines
