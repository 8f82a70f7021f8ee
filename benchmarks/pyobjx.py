"""What a read by a path costs on a document of 10 MB.

    python benchmarks/pyobjx.py [--json]

Medians of nine interleaved runs, in nanoseconds for one read of `frameworks[N].tasks[N].id` and in
milliseconds for reading the document: plain subscripts, the same guarded by checks (what one writes by
hand when parts may be missing), a compiled `Path`, and `Map.get` with a text and with a compiled path.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

HERE = FilePath(__file__).resolve()
# This file's name must not hide the package, which may be in the tree only.
sys.path[:] = [path for path in sys.path if FilePath(path or ".").resolve() != HERE.parent]
if importlib.util.find_spec("pyobjx") is None:
    sys.path.append(str(HERE.parent.parent / "packages" / "pyobjx" / "src"))

from pyobjx import Map, Path, from_json

RUNS = 9
READS = 20_000
TEXT = "frameworks[9].tasks[1500].id"


def make_document() -> str:
    """Return a state document of some 10 MB."""
    task = {
        "id": "task-00000",
        "name": "a task of the benchmark",
        "state": "TASK_RUNNING",
        "resources": {"cpus": 0.1, "mem": 32, "disk": 0, "ports": "[31000-31001]"},
        "statuses": [{"state": "TASK_RUNNING", "timestamp": 1700000000.5, "container_status": {"pid": 1}}],
        "labels": [{"key": f"label-{number}", "value": "x" * 20} for number in range(4)],
    }
    frameworks = [
        {"id": f"framework-{number}", "tasks": [{**task, "id": f"task-{n}"} for n in range(2000)]}
        for number in range(10)
    ]
    return json.dumps({"frameworks": frameworks})


def guarded(data: Any) -> str:
    """Read as one does by hand."""
    frameworks = data.get("frameworks")
    if isinstance(frameworks, list) and len(frameworks) > 9 and isinstance(frameworks[9], dict):
        tasks = frameworks[9].get("tasks")
        if isinstance(tasks, list) and len(tasks) > 1500 and isinstance(tasks[1500], dict):
            found = tasks[1500].get("id")
            if isinstance(found, str):
                return found
    return ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a read by a path costs on a document of 10 MB.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    document = make_document()
    data: Any = json.loads(document)
    state, path = Map(data), Path(TEXT)
    missing = Path("frameworks[9].tasks[1500].nothing")
    cases: dict[str, Callable[[], object]] = {
        "subscripts_ns": lambda: data["frameworks"][9]["tasks"][1500]["id"],
        "guarded_ns": lambda: guarded(data),
        "path_find_ns": lambda: path.find(data),
        "path_missing_ns": lambda: missing.find(data),
        "get_path_str_ns": lambda: state.get(path).str(),
        "get_text_str_ns": lambda: state.get(TEXT).str(),
    }
    assert {case() for name, case in cases.items() if name != "path_missing_ns"} == {"task-1500"}
    times: dict[str, list[float]] = {name: [] for name in cases}
    loads: dict[str, list[float]] = {"json_loads_ms": [], "from_json_ms": []}
    for _ in range(RUNS):
        for name, case in cases.items():
            began = time.perf_counter()
            for _ in range(READS):
                case()
            times[name].append((time.perf_counter() - began) / READS * 1e9)
        for name, load in (("json_loads_ms", json.loads), ("from_json_ms", from_json)):
            began = time.perf_counter()
            load(document)
            loads[name].append((time.perf_counter() - began) * 1e3)
    results: dict[str, Any] = {
        name: round(statistics.median(values), 1) for name, values in {**times, **loads}.items()
    }
    results |= {"document_mb": round(len(document) / 1e6, 1), "python": sys.version.split()[0]}
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        for name, value in results.items():
            print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
