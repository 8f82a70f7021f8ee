"""What a program imports: modules that lie beside it, and distributions that provide the others."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ._distributions import Files, tree_files
from .errors import PackError


@dataclass(slots=True)
class Imports:
    """The files that lie beside a program, and the names of the distributions it uses."""

    files: Files = field(default_factory=dict)
    distributions: set[str] = field(default_factory=set)


def scan(program: Path, provided: set[str], find_by_import: Callable[[str], str | None]) -> Imports:
    """Follow the imports of a program through the modules beside it.

    `provided` are top-level modules that are packed anyway. Raises `PackError` for a module that is
    neither beside the program nor installed, unless its import is guarded (`try`, `TYPE_CHECKING`).
    """
    imports = Imports()
    todo = [program]
    seen: set[str] = set()
    while todo:
        path = todo.pop()
        for module, required in _imported(path):
            if module in seen or module in provided or module in sys.stdlib_module_names:
                continue
            beside = dict(_beside(program.parent, module))
            if beside:
                seen.add(module)
                imports.files.update(beside)
                todo.extend(source for source in beside.values() if source.suffix == ".py")
                continue
            name = find_by_import(module)
            if name is not None:
                seen.add(module)
                imports.distributions.add(name)
            elif required:
                raise PackError(
                    f"{path.name} imports {module}, which is neither beside {program.name} nor installed "
                    f"for {sys.executable}: install what provides it and pack again"
                )
    return imports


def _beside(folder: Path, module: str) -> Iterator[tuple[str, Path]]:
    if (folder / module / "__init__.py").is_file():
        yield from tree_files(folder / module, module)
    elif (folder / f"{module}.py").is_file():
        yield f"{module}.py", folder / f"{module}.py"
    elif any((folder / module).glob("**/*.py")):
        yield from tree_files(folder / module, module)  # a package without __init__.py


def _imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield (top-level module, whether the program cannot do without it) for each absolute import."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        raise PackError(f"{path} is not a Python program: {error}") from error
    yield from _imported_by(tree, required=True)


def _imported_by(node: ast.AST, *, required: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name.partition(".")[0], required
    elif isinstance(node, ast.ImportFrom):
        if node.level == 0 and node.module:
            yield node.module.partition(".")[0], required
    else:
        guarded = isinstance(node, ast.Try) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        )
        for child in ast.iter_child_nodes(node):
            yield from _imported_by(child, required=required and not guarded)
