"""Check what every folder of `packages/` owes the workspace; `--fix` carries the version over.

The root `pyproject.toml` holds the one version. Checked for each package: its version and the exact
pins of its siblings, `requires-python`, `README.md`, `py.typed`, an `__all__`; that its sources
import only siblings it declares, and declare only those that `ALLOWED` lets it stand on. Checked for
the root: that it names every package wherever it lists them.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli

ROOT = Path(__file__).resolve().parent.parent

_CORE = {"mesos-proto", "mesos-messenger", "mesos-detector", "mesos-auth"}

# Imports run one way: each package, and the siblings its sources may stand on.
ALLOWED: dict[str, set[str]] = {
    "pyglog": set(),
    "pyobjx": set(),
    "mesos-proto": set(),
    "mesos-messenger": {"mesos-proto"},
    "mesos-detector": {"mesos-proto"},
    "mesos-http": {"mesos-proto"},
    "mesos-auth": {"mesos-proto", "mesos-messenger"},
    "mesos-scheduler": _CORE | {"mesos-http"},
    "mesos-executor": _CORE | {"mesos-http"},
    "mesos-local": _CORE | {"mesos-executor", "pyglog"},
}


def load(path: Path) -> dict[str, Any]:
    """Parse a TOML file."""
    return tomli.loads(path.read_text(encoding="utf-8"))


def import_name(distribution: str) -> str:
    """Return the import name of one of our distributions."""
    return distribution.replace("-", "_")


def requirement_name(requirement: str) -> str:
    """Return the bare project name of a requirement."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return match.group()


def imported_modules(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (top-level module, line) for each absolute import in a source file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0], node.lineno


def has_all(init: Path) -> bool:
    """Tell whether a package's `__init__.py` says what is public (ruff keeps it sorted)."""
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return True
    return False


def check_package(folder: Path, version: str) -> Iterator[str]:
    """Yield what is wrong with one package."""
    name = folder.name
    where = folder.relative_to(ROOT)
    project = load(folder / "pyproject.toml")["project"]
    if name not in ALLOWED:
        yield f"{where}: not in ALLOWED of scripts/check_packages.py"
        return
    if project["name"] != name:
        yield f"{where}: the distribution is called {project['name']}"
    if project["version"] != version:
        yield f"{where}: version {project['version']}, the root says {version} (run with --fix)"
    if project["requires-python"] != ">=3.10":
        yield f"{where}: requires-python is {project['requires-python']}"
    declared = set()
    for requirement in project.get("dependencies", []):
        sibling = requirement_name(requirement)
        if sibling in ALLOWED:
            declared.add(sibling)
            if requirement != f"{sibling}=={version}":
                yield f"{where}: {requirement} is not pinned =={version} (run with --fix)"
    for sibling in sorted(declared - ALLOWED[name]):
        yield f"{where}: may not depend on {sibling}"
    source = folder / "src" / import_name(name)
    for needed in (folder / "README.md", source / "py.typed", source / "__init__.py", folder / "tests"):
        if not needed.exists():
            yield f"{where}: {needed.relative_to(folder)} is missing"
    if (source / "__init__.py").exists() and not has_all(source / "__init__.py"):
        yield f"{where}: __init__.py has no __all__"
    siblings = {import_name(sibling): sibling for sibling in ALLOWED if sibling != name}
    for path in sorted(source.rglob("*.py")):
        for module, line in imported_modules(path):
            if module in siblings and siblings[module] not in declared:
                yield f"{path.relative_to(ROOT)}:{line}: imports {module}, which {name} does not declare"


def check_root(root: dict[str, Any], names: list[str]) -> Iterator[str]:
    """Yield what is wrong with the root project's lists of packages."""
    version = root["project"]["version"]
    modules = [import_name(name) for name in names]
    expected = {
        "project.dependencies": (root["project"]["dependencies"], [f"{name}=={version}" for name in names]),
        "tool.coverage.run.source_pkgs": (root["tool"]["coverage"]["run"]["source_pkgs"], modules),
        "tool.mypy.mypy_path": (
            [path for path in root["tool"]["mypy"]["mypy_path"] if path.startswith("packages/")],
            [f"packages/{name}/src" for name in names],
        ),
    }
    for what, (found, wanted) in expected.items():
        if found != wanted:
            yield f"pyproject.toml: {what} should be {wanted}"


def fix(names: list[str], version: str) -> None:
    """Write the root's version and the siblings' pins into every `pyproject.toml`."""
    pins = re.compile(r'"(' + "|".join(map(re.escape, names)) + r')==[^"]*"')
    for path in [ROOT / "pyproject.toml", *(ROOT / "packages" / name / "pyproject.toml" for name in names)]:
        old = path.read_text(encoding="utf-8")
        new = pins.sub(rf'"\1=={version}"', old)
        new = re.sub(r'(?m)^version = "[^"]*"$', f'version = "{version}"', new, count=1)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


def main() -> int:
    """Run the checks; exit status 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--fix", action="store_true", help="carry the root's version into every package first"
    )
    options = parser.parse_args()
    root = load(ROOT / "pyproject.toml")
    version = root["project"]["version"]
    names = sorted(path.parent.name for path in (ROOT / "packages").glob("*/pyproject.toml"))
    if options.fix:
        fix(names, version)
        root = load(ROOT / "pyproject.toml")
    problems = list(check_root(root, names))
    for name in names:
        problems += check_package(ROOT / "packages" / name, version)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(names)} packages, version {version}: in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
