"""pyglog in whole processes: import, exit, FATAL, threads, forks, signals."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pyglog_helpers import parse_file, read_files, run_program, run_started


def test_import_does_nothing_to_the_process(tmp_path: Path) -> None:
    done = run_program(
        """
        import atexit, gc, logging, os, signal, sys, threading, time, warnings
        def state():
            return (
                threading.active_count(), atexit._ncallbacks(), logging.getLogger().handlers[:],
                logging.getLogger().level, [signal.getsignal(n) for n in (2, 10, 15)], sys.excepthook,
                threading.excepthook, os.listdir("."), os.path.isdir("/proc") and os.listdir("/proc/self/fd"),
                warnings.showwarning, dict(os.environ), sys.argv[:],
            )
        import argparse, contextlib, dataclasses, enum, faulthandler, json, platform, traceback
        before = state()
        import pyglog, pyglog.go
        pyglog.V(1).info("off")
        assert state() == before, (before, state())
        assert "hypothesis" not in sys.modules and "multiprocessing" not in sys.modules
        """.replace("\n        ", "\n"),
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.glob("*.log.*"))


def test_what_waits_is_written_at_exit(tmp_path: Path) -> None:
    done = run_started(
        """
        import atexit
        atexit.register(lambda: pyglog.info("from an earlier atexit hook"))
        pyglog.info("one")
        class Late:
            def __del__(self): pyglog.info("from a destructor")
        keep = Late()
        atexit.register(lambda: pyglog.info("from a later hook"))
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    messages = [line.message.decode().strip() for line in read_files(tmp_path)]
    assert messages == ["one", "from a later hook", "from an earlier atexit hook", "from a destructor"]


def test_unhandled_exception_loses_nothing(tmp_path: Path) -> None:
    done = run_started("pyglog.info('one')\nraise KeyError('end')\n", tmp_path)
    assert done.returncode == 1
    assert [line.message for line in read_files(tmp_path)] == [b"one\n"]


def test_what_waits_is_written_soon(tmp_path: Path) -> None:
    done = run_started(
        """
        import pathlib
        pyglog.configure(logbufsecs=0.05)
        deadline = time.monotonic() + 30
        for turn in range(3):
            pyglog.info("turn %d", turn)
            text = f"turn {turn}"
            link = pathlib.Path(pyglog.settings().log_dir, "program.INFO")
            while not link.exists() or text not in link.read_text():
                assert time.monotonic() < deadline
                time.sleep(0.01)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_fatal_writes_all_stacks_and_ends_the_process(tmp_path: Path) -> None:
    done = run_started(
        """
        import atexit
        atexit.register(lambda: print("no"))
        ready = threading.Event()
        def waiting_for_something():
            ready.set()
            time.sleep(600)
        threading.Thread(target=waiting_for_something, name="waiter").start()
        ready.wait()
        print("buffered output", end="")
        pyglog.info("before")
        try:
            pyglog.fatal("the end of %s", "it")
        finally:
            print("no")
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, "buffered output")
    for severity in ("INFO", "WARNING", "ERROR", "FATAL"):
        *before, last = read_files(tmp_path, severity)
        text = last.message.decode()
        assert last.severity == "F" and text.startswith("the end of it\n\nThread MainThread (")
        assert re.search(
            r"Thread waiter \(\d+\), most recent call last:\n(.*\n)*.*in waiting_for_something", text
        )
        assert "_process.py" not in text and "_fatal.py" not in text
        assert text in done.stderr
        assert [line.message for line in before] == ([b"before\n"] if severity == "INFO" else [])


def test_fatal_is_not_cut(tmp_path: Path) -> None:
    done = run_started("pyglog.fatal('x' * 40000)\n", tmp_path)
    assert done.returncode == 2
    (line,) = read_files(tmp_path, "FATAL")
    assert len(line.message) > 40000 and b"MainThread" in line.message


@pytest.mark.parametrize("hang", ["os.fsync", "os.write", "lock"])
def test_fatal_ends_in_time_though_the_disk_hangs(tmp_path: Path, hang: str) -> None:
    done = run_started(
        f"""
        import pyglog._fatal, pyglog._core
        pyglog.info("before")
        pyglog.flush()
        pyglog._fatal.TIME_LIMIT = 0.5
        real = os.write
        if {hang!r} == "os.fsync":
            os.fsync = lambda fd: time.sleep(600)
        elif {hang!r} == "os.write":
            os.write = lambda fd, data: time.sleep(600) if fd > 2 else real(fd, data)
        else:
            held = threading.Event()
            def hold():
                with pyglog._core.files.lock:
                    held.set()
                    time.sleep(600)
            threading.Thread(target=hold, daemon=True).start()
            held.wait()
        pyglog.fatal("the end")
        """,
        tmp_path,
    )
    assert done.returncode == 2
    assert "] the end\n" in done.stderr
    assert "the fatal record did not reach the disk in time" in done.stderr


def test_fatal_from_a_thread_and_by_log(tmp_path: Path) -> None:
    done = run_started(
        """
        thread = threading.Thread(target=lambda: pyglog.log(pyglog.FATAL, "in a thread"), name="worker")
        thread.start()
        thread.join()
        """,
        tmp_path,
    )
    assert done.returncode == 2
    (line,) = read_files(tmp_path, "FATAL")
    assert (
        line.message.startswith(b"in a thread\n\nThread worker (") and b"Thread MainThread (" in line.message
    )
    assert line.line == 4


def test_exit_runs_what_python_runs_at_exit(tmp_path: Path) -> None:
    done = run_started(
        """
        try:
            pyglog.exit("goodbye %d", 1)
        finally:
            print("finally")
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (1, "finally\n")
    (line,) = read_files(tmp_path, "FATAL")
    assert (line.severity, line.message, line.line) == ("F", b"goodbye 1\n", 5)


def test_exit_in_a_thread_ends_the_program(tmp_path: Path) -> None:
    done = run_started(
        """
        thread = threading.Thread(target=lambda: pyglog.exit("goodbye"))
        thread.start()
        thread.join()
        time.sleep(600)
        """,
        tmp_path,
    )
    assert done.returncode == 1
    assert [line.message for line in read_files(tmp_path, "FATAL")] == [b"goodbye\n"]


def test_threads_and_forks_lose_and_tear_nothing(tmp_path: Path) -> None:
    done = run_started(
        """
        def work(who):
            for number in range(5000):
                pyglog.info("%s line %d %s", who, number, "x" * (number % 50))
                if number % 1000 == 500:
                    pyglog.warning("%s warns %d", who, number)
        def start(who):
            threads = [threading.Thread(target=work, args=(f"{who}.{n}",)) for n in range(4)]
            for thread in threads: thread.start()
            return threads
        parent = start("parent")
        children = []
        for child in range(2):
            time.sleep(0.02)
            pid = os.fork()
            if pid == 0:
                for thread in start(f"child{child}"): thread.join()
                pyglog.flush()
                os._exit(0)
            children.append(pid)
        for thread in parent: thread.join()
        for pid in children: assert os.waitpid(pid, 0)[1] == 0
        print(pyglog.stats.info.lines, pyglog.stats.warning.lines)
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "20000 20\n"
    assert len(list(tmp_path.glob("program.*.log.INFO.*"))) == 3
    found: dict[str, list[str]] = {}
    for line in read_files(tmp_path):
        who, kind, number, *rest = line.message.decode().removesuffix("\n").split(" ")
        found.setdefault(f"{who} {kind}", []).append(number)
        if kind == "line":
            assert rest == ["x" * (int(number) % 50)]
    whos = [f"{who}.{thread}" for who in ("parent", "child0", "child1") for thread in range(4)]
    for who in whos:
        assert found.pop(f"{who} line") == [str(number) for number in range(5000)]
        assert found.pop(f"{who} warns") == [str(number) for number in range(500, 5000, 1000)]
    assert not found
    assert len(read_files(tmp_path, "WARNING")) == 60


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_lose_nothing(tmp_path: Path, method: str) -> None:
    done = run_started(
        f"""
        import multiprocessing
        def work(number):
            pyglog.init()
            pyglog.info("child %d", number)
        if __name__ == "__main__":
            pyglog.info("parent")
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=work, args=(number,)) for number in range(2)]
            for child in children: child.start()
            for child in children: child.join()
            assert [child.exitcode for child in children] == [0, 0]
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    messages = sorted(line.message.decode().strip() for line in read_files(tmp_path))
    messages += sorted(
        line.message.decode().strip()
        for path in tmp_path.glob("*.log.INFO.*")
        if not path.name.startswith("program.")
        for line in parse_file(path.read_bytes())
    )
    assert sorted(messages) == ["child 0", "child 1", "parent"]


def test_child_has_files_threads_and_counts_of_its_own(tmp_path: Path) -> None:
    done = run_started(
        """
        import pathlib
        pyglog.info("parent")
        if os.fork() == 0:
            assert pyglog.stats.info.lines == 0
            pyglog.info("child")
            (name,) = pyglog.names("INFO")
            assert name.endswith(f".{os.getpid()}")
            deadline = time.monotonic() + 30
            pyglog.configure(logbufsecs=0.01)
            pyglog.info("by the child's flush thread")
            while "flush thread" not in pathlib.Path(name).read_text():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            sys.exit(0)
        assert os.wait()[1] == 0
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    threads = {line.message.decode().strip(): int(line.thread) for line in read_files(tmp_path)}
    assert set(threads) == {"parent", "child", "by the child's flush thread"}
    assert threads["parent"] != threads["child"]


def test_signal_handlers_may_log(tmp_path: Path) -> None:
    done = run_started(
        """
        import signal
        count = 0
        def handle(*_):
            global count
            count += 1
            pyglog.warning("signal %d", count)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        number = 0
        deadline = time.monotonic() + 60
        while count < 100 and time.monotonic() < deadline:
            number += 1
            pyglog.info("line %d", number)
            if number % 10 == 0: pyglog.error("error %d", number)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(number, count)
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    number, count = map(int, done.stdout.split())
    messages = [line.message.decode().strip() for line in read_files(tmp_path)]
    assert [text for text in messages if text.startswith("line")] == [
        f"line {n}" for n in range(1, number + 1)
    ]
    signals = [int(text.split()[1]) for text in messages if text.startswith("signal")]
    assert sorted(signals) == list(range(1, count + 1))  # one handler may interrupt another before it logs
    errors = [line.message.decode().strip() for line in read_files(tmp_path, "ERROR")]
    assert errors == [f"error {n}" for n in range(10, number + 1, 10)]


def test_asyncio_tasks_may_log(tmp_path: Path) -> None:
    done = run_started(
        """
        import asyncio
        async def work(number):
            for step in range(100):
                pyglog.info("task %d step %d", number, step)
                await asyncio.sleep(0)
        async def main(): await asyncio.gather(*(work(number) for number in range(10)))
        asyncio.run(main())
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read_files(tmp_path)) == 1000


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_fork_finds_no_thread_of_ours(tmp_path: Path) -> None:
    done = run_started(
        """
        import pathlib
        def threads(): return len(os.listdir("/proc/self/task"))
        pyglog.configure(logbufsecs=0.01)
        link = pathlib.Path(pyglog.settings().log_dir, "program.INFO")
        for turn in range(3):
            pyglog.info("turn %d", turn)
            assert threads() == 2
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            deadline = time.monotonic() + 30
            while threads() > 1:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert f"turn {turn}" in link.read_text()
        pyglog.info("written by a new flush thread")
        while "new flush" not in link.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_signal_handlers_may_log_to_stderr(tmp_path: Path) -> None:
    done = run_started(
        """
        import signal
        pyglog.configure(logtostderr=True)
        count = number = 0
        def handle(*_):
            global count
            count += 1
            pyglog.info("signal %d", count)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        deadline = time.monotonic() + 60
        while count < 300 and time.monotonic() < deadline:
            number += 1
            pyglog.info("line %d", number)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(number, count)
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    number, count = map(int, done.stdout.split())
    assert done.stderr.count("] line ") == number and done.stderr.count("] signal ") == count


def test_interrupts_lose_tear_and_repeat_nothing(tmp_path: Path) -> None:
    done = run_started(
        """
        import signal
        pyglog.configure(max_log_size="1MB")
        number = interrupts = 0
        inside = False
        def handle(*_):
            global inside
            if inside:
                inside = False
                raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        def work():
            global number, inside
            inside = True
            while number < 40000 or not interrupts:
                number += 1
                pyglog.info("line %d", number)
            inside = False
        while number < 40000 or not interrupts:
            try:
                work()
            except KeyboardInterrupt:
                interrupts += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        pyglog.flush()
        print(interrupts, number)
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    interrupts, number = map(int, done.stdout.split())
    numbers = [int(line.message.split()[1]) for line in read_files(tmp_path)]
    assert len(numbers) == len(set(numbers))
    # An interrupt can come between the count and the line; then that line was never logged.
    assert number - len(numbers) <= interrupts
