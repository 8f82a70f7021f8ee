"""What pyglog costs, beside what one would use instead.

    python benchmarks/pyglog.py [--json] [--install FOLDER]

Measured, as medians of nine interleaved runs, in nanoseconds (the loop itself taken off):

- a disabled `if V(2):` and `V(2).info(…)`, without `-vmodule` and with one of a higher level for another
  file, against `logger.isEnabledFor(10)`, in time of the processor;
- an INFO line to a file, from one thread and from four, by pyglog (INFO file and symlink in place, `-v=0`),
  the standard library's `logging` (one file, a comparable format), absl-py, python-glog and loguru. Each
  library runs in a process of its own. It is elapsed time, which includes bringing the last line to the file.

What is buffered: pyglog lets up to 1,024 INFO lines wait, for a second at most, before it writes them; the
others write each line. `pyglog_unbuffered_info_file_ns` is pyglog with `-logbuflevel=-1`, which does too;
`stdlib_buffered_info_file_ns` is `logging` with a `MemoryHandler` of 1,024 records before its file.

The libraries that are not installed are null in the results; `--install FOLDER` brings them with pip into a
folder of your choice, which later runs find there.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import logging.handlers
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent
# This file's name must not hide the package, which may be in the tree only.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != HERE.parent]
if importlib.util.find_spec("pyglog") is None:
    sys.path.append(str(ROOT / "packages" / "pyglog" / "src"))

import pyglog
from pyglog import V

RUNS = 9
SLICES = 20
CALLS = 5_000
FILE_SLICES = 5
LINES = 2_000
THREADS = 4
LIBRARIES = {"absl": ("absl-py", "absl"), "python_glog": ("glog", "glog"), "loguru": ("loguru", "loguru")}
FORMAT = "%(levelname).1s%(asctime)s.%(msecs)03d %(thread)7d %(filename)s:%(lineno)d] %(message)s"

logger = logging.getLogger("benchmark")
Write = Callable[..., object]


def _empty(n: int) -> None:
    for _ in range(n):
        if n is None:
            pass


def _is_enabled_for(n: int) -> None:
    for _ in range(n):
        if logger.isEnabledFor(10):
            pass


def _v(n: int) -> None:
    for _ in range(n):
        if V(2):
            pass


def _v_chained(n: int) -> None:
    for _ in range(n):
        V(2).info("offer %s", n)


def _time(function: Callable[[int], None], n: int) -> float:
    began = time.thread_time()  # not what other processes take of the machine meanwhile
    function(n)
    return (time.thread_time() - began) / n * 1e9


def measure_disabled() -> dict[str, float]:
    """Return the costs of what is off."""
    logger.setLevel(logging.INFO)
    plain: dict[str, object] = {"vmodule": ""}
    vmodule: dict[str, object] = {"vmodule": "another_file=4"}
    cases: dict[str, tuple[Callable[[int], None], dict[str, object]]] = {
        "empty": (_empty, plain),
        "is_enabled_for_ns": (_is_enabled_for, plain),
        "v_disabled_ns": (_v, plain),
        "v_disabled_chained_ns": (_v_chained, plain),
        "v_disabled_vmodule_ns": (_v, vmodule),
        "v_disabled_vmodule_chained_ns": (_v_chained, vmodule),
    }
    times: dict[str, list[float]] = {name: [0.0] * RUNS for name in cases}
    for run in range(RUNS):
        for _ in range(SLICES):  # short ones in turn, so that what disturbs a busy machine disturbs all
            for name, (function, flags) in cases.items():
                with pyglog.overridden(**flags):
                    function(100)
                    times[name][run] += _time(function, CALLS) / SLICES
    medians = {name: statistics.median(values) for name, values in times.items()}
    empty = medians.pop("empty")
    return {name: value - empty for name, value in medians.items()}


def _file_handler(folder: str, name: str) -> logging.Handler:
    handler = logging.FileHandler(os.path.join(folder, f"{name}.log"))
    handler.setFormatter(logging.Formatter(FORMAT, "%m%d %H:%M:%S"))
    return handler


def _pyglog(folder: str) -> tuple[Write, Write]:
    pyglog.configure(log_dir=folder, program="benchmark")
    return pyglog.info, pyglog.names


def _pyglog_unbuffered(folder: str) -> tuple[Write, Write]:
    pyglog.configure(log_dir=folder, program="unbuffered", logbuflevel=-1)
    return pyglog.info, pyglog.names


def _stdlib(folder: str) -> tuple[Write, Write]:
    logger.setLevel(logging.INFO)
    logger.addHandler(_file_handler(folder, "stdlib"))
    return logger.info, lambda _: None


def _stdlib_buffered(folder: str) -> tuple[Write, Write]:
    logger.setLevel(logging.INFO)
    handler = logging.handlers.MemoryHandler(1024, target=_file_handler(folder, "buffered"))
    logger.addHandler(handler)
    return logger.info, lambda _: handler.flush()


def _absl(folder: str) -> tuple[Write, Write]:
    from absl import logging as absl_logging  # type: ignore[import-not-found,unused-ignore]

    absl_logging.use_absl_handler()
    absl_logging.get_absl_handler().use_absl_log_file("absl", folder)
    absl_logging.set_verbosity(absl_logging.INFO)
    return absl_logging.info, lambda _: absl_logging.flush()


def _python_glog(folder: str) -> tuple[Write, Write]:
    import glog  # type: ignore[import-not-found,unused-ignore]

    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    handler = logging.FileHandler(os.path.join(folder, "python_glog.log"))
    handler.setFormatter(glog.GlogFormatter())
    root.addHandler(handler)
    glog.setLevel(logging.INFO)
    return glog.info, lambda _: None


def _loguru(folder: str) -> tuple[Write, Write]:
    import loguru  # type: ignore[import-not-found,unused-ignore]

    loguru.logger.remove()
    loguru.logger.add(
        os.path.join(folder, "loguru.log"),
        format="{level.name[0]}{time:MMDD HH:mm:ss.SSSSSS} {thread.id:7} {file.name}:{line}] {message}",
    )
    info = loguru.logger.info

    def write(format: str, *args: object) -> None:
        info(format.replace("%s", "{}").replace("%d", "{}"), *args)

    return write, lambda _: loguru.logger.complete()


WRITERS = {
    "pyglog": _pyglog,
    "pyglog_unbuffered": _pyglog_unbuffered,
    "stdlib": _stdlib,
    "stdlib_buffered": _stdlib_buffered,
    "absl": _absl,
    "python_glog": _python_glog,
    "loguru": _loguru,
}


def work(name: str, folder: str) -> None:
    """Write lines by one library whenever asked for a number of threads; answer with the time of a line."""
    write, finish = WRITERS[name](folder)

    def lines(n: int) -> None:
        for number in range(n):
            write("task %s is %s after %d ms", "task-1", "running", number)

    def run(threads: int) -> None:
        if threads == 1:
            lines(LINES)
        else:
            parts = [threading.Thread(target=lines, args=(LINES // threads,)) for _ in range(threads)]
            for part in parts:
                part.start()
            for part in parts:
                part.join()
        finish("INFO")

    lines(100)
    for asked in sys.stdin:
        began = time.perf_counter()
        run(int(asked))
        print((time.perf_counter() - began) / LINES * 1e9, flush=True)


def measure_files(libraries: str) -> dict[str, float | None]:
    """Return the costs of an INFO line to a file."""
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [*sys.path, libraries]))}
    results: dict[str, float | None] = {}
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="pyglog-benchmark-") as folder:
        workers = {}
        for name in WRITERS:
            if name in LIBRARIES and not available(LIBRARIES[name][1], libraries):
                results |= {f"{name}_info_file_ns": None, f"{name}_info_file_4_threads_ns": None}
                continue
            workers[name] = subprocess.Popen(
                [sys.executable, str(HERE), "--worker", name, folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=found,
            )
        for run in range(RUNS):
            for _ in range(FILE_SLICES):
                for threads, suffix in ((1, ""), (THREADS, "_4_threads")):
                    for name, worker in workers.items():
                        key = f"{'' if name == 'pyglog' else f'{name}_'}info_file{suffix}_ns"
                        times.setdefault(key, [0.0] * RUNS)[run] += ask(worker, name, threads) / FILE_SLICES
        for worker in workers.values():
            worker.communicate()
    return results | {name: statistics.median(values) for name, values in times.items()}


def ask(worker: subprocess.Popen[str], name: str, threads: int) -> float:
    """Have a worker do one run; return its time."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(f"{threads}\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        raise SystemExit(f"the worker of {name} ended: try {sys.executable} {HERE} --worker {name} /tmp")
    return float(answer)


def available(module: str, libraries: str) -> bool:
    """Tell whether a library can be imported, from the environment or the folder of libraries."""
    if importlib.util.find_spec(module) is not None:
        return True
    return bool(libraries) and any(Path(libraries, module + end).exists() for end in ("", ".py"))


def install(folder: str) -> None:
    """Bring the other libraries into a folder, unless they are there."""
    missing = [project for project, module in LIBRARIES.values() if not available(module, folder)]
    if missing:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, *missing]
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
            print(f"could not install {', '.join(missing)}: they will be absent", file=sys.stderr)


def judge(results: dict[str, Any]) -> dict[str, dict[str, object]]:
    """Return the ratios that matter and whether they are as promised."""
    enabled = results["is_enabled_for_ns"]
    ratios = {
        "v_disabled / is_enabled_for": (results["v_disabled_ns"] / enabled, 1.0),
        "v_disabled_vmodule / is_enabled_for": (results["v_disabled_vmodule_ns"] / enabled, 2.5),
        "info_file / stdlib_info_file": (results["info_file_ns"] / results["stdlib_info_file_ns"], 0.25),
    }
    return {
        name: {"ratio": round(ratio, 3), "at_most": limit, "holds": ratio <= limit}
        for name, (ratio, limit) in ratios.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What pyglog costs, beside what one would use instead.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--install", metavar="FOLDER", default="", help="install the other libraries here first"
    )
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker)
        return
    if options.install:
        install(options.install)
    results: dict[str, Any] = {**measure_disabled(), **measure_files(options.install)}
    results = {name: None if value is None else round(value, 1) for name, value in results.items()}
    results["bars"] = judge(results)
    results["python"] = sys.version.split()[0]
    results["buffered"] = "up to 1,024 INFO lines for up to 1 s; flushed inside the measured time"
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for name, value in results.items():
        if name.endswith("_ns"):
            absent = "absent (see --install)"
            print(f"{name:40} {absent if value is None else format(value, '10.1f')}")
    print(f"buffered by pyglog: {results['buffered']}")
    for name, bar in results["bars"].items():
        print(f"{name:40} {bar['ratio']:7.3f}  at most {bar['at_most']}: {'yes' if bar['holds'] else 'NO'}")


if __name__ == "__main__":
    main()
