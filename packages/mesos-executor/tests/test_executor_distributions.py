"""Which files and requirements a distribution has, in each way it can be installed."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
from mesos_executor import PackError
from mesos_executor._distributions import collect, find, find_by_import


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions, in front of the others."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    return folder


def install(
    site: Path,
    name: str,
    files: dict[str, str],
    *requirements: str,
    record: bool = True,
    editable: Path | None = None,
) -> None:
    """Lay out what pip leaves of a distribution."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"]
    lines += [f"Requires-Dist: {requirement}\n" for requirement in requirements]
    (info / "METADATA").write_text("".join(lines))
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    if record:
        listed = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD", "../../bin/tool"]
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in listed))
    if editable is not None:
        direct_url = {"url": editable.as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(direct_url))


def test_files_are_those_that_run(site: Path) -> None:
    install(
        site,
        "some-thing",
        {
            "some_thing/__init__.py": "",
            "some_thing/data.txt": "",
            "some_thing/typed.pyi": "",
            "some_thing/__pycache__/x.cpython-311.pyc": "",
            "some-thing.pth": "",
        },
    )
    found = find("some-thing", "the test")
    assert (found.name, found.version) == ("some-thing", "1.0")
    assert sorted(found.files) == [
        "some_thing-1.0.dist-info/METADATA",
        "some_thing/__init__.py",
        "some_thing/data.txt",
    ]


def test_requirements_are_followed_through_markers_and_extras(site: Path) -> None:
    install(
        site,
        "top-thing",
        {"top.py": ""},
        "Middle.Thing[fast]>=0.5",
        "never-thing; python_version < '3.0'",
        "unasked-thing; extra == 'other'",
    )
    install(site, "middle-thing", {"middle.py": ""}, "fast-thing; extra == 'fast'", "top-thing")
    install(site, "fast-thing", {"fast.py": ""})
    assert sorted(collect(["top-thing"])) == ["fast-thing", "middle-thing", "top-thing"]


def test_what_is_not_installed_is_named_with_who_needs_it(site: Path) -> None:
    install(site, "top-thing", {"top.py": ""}, "missing-thing")
    with pytest.raises(PackError, match="top-thing needs missing-thing, which is not installed"):
        collect(["top-thing"])


def test_a_version_that_does_not_fit_is_refused(site: Path) -> None:
    install(site, "top-thing", {"top.py": ""}, "middle-thing>=2")
    install(site, "middle-thing", {"middle.py": ""})
    with pytest.raises(PackError, match=r"top-thing needs middle-thing>=2, and 1\.0 is installed"):
        collect(["top-thing"])
    with pytest.raises(PackError, match="not the name of a distribution"):
        collect(["what is this?"])


def test_an_installation_without_a_list_of_files_is_refused(site: Path) -> None:
    install(site, "listless", {"listless.py": ""}, record=False)
    with pytest.raises(PackError, match="reinstall it with pip"):
        find("listless", "the test")


@pytest.mark.parametrize("base", ["src", "."])
def test_a_project_in_editable_form_is_packed_from_its_folder(site: Path, tmp_path: Path, base: str) -> None:
    project = tmp_path / "project with spaces"
    package = project / base / "mine_own"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    install(site, "mine-own", {"_mine.pth": ""}, editable=project)
    assert find("mine-own", "the test").files == {"mine_own/__init__.py": package / "__init__.py"}
    assert find_by_import("mine_own") == "mine-own"


def test_a_single_module_in_editable_form(site: Path, tmp_path: Path) -> None:
    (tmp_path / "single.py").write_text("")
    install(site, "single", {"_single.pth": ""}, editable=tmp_path)
    assert find("single", "the test").files == {"single.py": tmp_path / "single.py"}


def test_a_project_in_editable_form_of_unknown_layout_is_refused(site: Path, tmp_path: Path) -> None:
    install(site, "odd-thing", {"_odd.pth": ""}, editable=tmp_path)
    with pytest.raises(PackError, match="install it properly"):
        find("odd-thing", "the test")


def test_packages_of_the_source_tree_come_from_it() -> None:
    found = collect(["mesos-executor"])
    assert {"mesos-executor", "mesos-messenger", "mesos-proto", "protobuf", "h11"} <= set(found)
    source = found["mesos-executor"].files["mesos_executor/session.py"]
    module = sys.modules["mesos_executor"].__file__
    assert module is not None
    assert source.parent == Path(module).parent
    assert find_by_import("mesos_proto") == "mesos-proto"
    assert find_by_import("no_such_module") is None
