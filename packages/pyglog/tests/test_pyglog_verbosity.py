"""`V`, `-v` and `-vmodule`, as golang/glog's tests pin them."""

from __future__ import annotations

import os
import pickle
import threading

import pyglog
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyglog import FlagError, ModuleLevel, V, v_depth
from pyglog._glob import compile_glob
from pyglog_helpers import Logs
from pyglog_other_module import level_two_is_on, run_here

NAME = os.path.basename(__file__).removesuffix(".py")
FOLDER = os.path.dirname(__file__)


def on() -> list[int]:
    """The levels of 1 to 4 that are on in this file."""
    return [level for level in range(1, 5) if V(level)]


def test_v_is_off_unless_set(logs: Logs) -> None:
    assert on() == []
    assert V(0) and V(-1)
    pyglog.configure(v=2)
    assert on() == [1, 2]
    V(2).info("yes %d", 2)
    V(3).info("no")
    assert logs.messages() == ["yes 2"]


def test_v_has_the_other_severities_and_depth(logs: Logs) -> None:
    pyglog.configure(v=1)

    def inner() -> None:
        V(1).info("a", depth=1)
        V(1).warning("b", depth=1)
        V(1).error("c", depth=1)

    inner()
    lines = logs.lines()
    assert [line.severity for line in lines] == ["I", "W", "E"]
    assert len({line.line for line in lines}) == 1
    V(2).warning("off")
    V(2).error("off")
    V(1).info("with traceback", exc_info=KeyError("k"))
    assert len(logs.lines()) == 4 and "KeyError: 'k'" in logs.messages()[3]


def test_v_changes_while_vmodule_is_set(logs: Logs) -> None:
    pyglog.configure(vmodule="non_existent_module=3", v=3)
    assert on() == [1, 2, 3]
    pyglog.configure(v=2)
    assert on() == [1, 2]


def test_vmodule_of_this_file(logs: Logs) -> None:
    pyglog.configure(vmodule=f"{NAME}=2")
    assert on() == [1, 2]
    assert not level_two_is_on()
    V(2).info("test")
    assert logs.messages() == ["test"]


def test_vmodule_of_another_file(logs: Logs) -> None:
    pyglog.configure(vmodule="notthisfile=2,pyglog_other_module=2")
    assert on() == []
    assert level_two_is_on()
    V(2).info("test")
    assert logs.messages() == []


def test_vmodule_wins_over_v_both_ways(logs: Logs) -> None:
    pyglog.configure(v=2, vmodule=f"{NAME}=0")
    assert on() == []
    assert level_two_is_on()


def test_first_match_wins(logs: Logs) -> None:
    pyglog.configure(vmodule=f"{NAME}=1,*=3")
    assert on() == [1]
    pyglog.configure(vmodule=f"*=3,{NAME}=1")
    assert on() == [1, 2, 3]


_GLOBS = [
    ("{0}=1", False),
    ("{0}=2", True),
    ("{0}=3", True),
    ("*=2", True),
    ("?e*=2", True),
    ("????_*=2", True),
    ("??[rst]?_*y=2", True),
    ("[^a-s]*=2", True),
    ("*[_]*=2", True),
    ("test\\_*=2", True),
    ("*x=2", False),
    ("m*=2", False),
    ("??_*=2", False),
    ("?[abc]?_*y=2", False),
    ("[^t]*=2", False),
    ("{0}.py=2", False),
]


@pytest.mark.parametrize(("pattern", "matches"), _GLOBS)
@pytest.mark.parametrize("full", [False, True])
def test_globs(logs: Logs, pattern: str, matches: bool, full: bool) -> None:
    pattern = pattern.format(NAME)
    pyglog.configure(vmodule=f"{FOLDER}/{pattern}" if full else pattern)
    assert bool(V(2)) is matches


def test_glob_over_folders(logs: Logs) -> None:
    above = os.path.dirname(FOLDER)
    for pattern, matches in [
        (f"{above}/*/{NAME}=2", True),
        (f"{above}/*/test_pyglog_????????y=2", True),
        (f"{above}/*=2", False),
        (f"{os.path.dirname(above)}/*/{NAME}=2", False),
        (f"tests/{NAME}=2", False),
    ]:
        pyglog.configure(vmodule=pattern)
        assert bool(V(2)) is matches, pattern


def test_v_depth(logs: Logs) -> None:
    pyglog.configure(vmodule=f"{NAME}=3")
    assert v_depth(2, 0) and v_depth(3, 0) and not v_depth(4, 0)
    assert run_here(lambda: bool(v_depth(3, 0)))
    assert not run_here(lambda: bool(v_depth(3, 1)))
    assert run_here(lambda: bool(v_depth(3, 2)))
    assert not v_depth(3, 10_000)


def test_code_without_a_file_is_told_by_its_code(logs: Logs) -> None:
    pyglog.configure(vmodule="made_up=2")
    space: dict[str, object] = {"V": V, "__file__": None}
    for _ in range(2):
        exec(compile("found = bool(V(2)), bool(V(3))", "/some/made_up.py", "exec"), space)
        assert space["found"] == (True, False)
        del space["found"]
        space.pop("__file__", None)
    space["__file__"] = ["unhashable"]
    exec(compile("found = bool(V(2))", "/some/made_up.py", "exec"), space)
    assert space["found"] is True


def test_vmodule_switched_by_another_thread(logs: Logs) -> None:
    seen: list[bool] = []
    asked, switched = threading.Event(), threading.Event()

    def look() -> None:
        seen.append(bool(V(3)))
        asked.set()
        assert switched.wait(30)
        seen.append(bool(V(3)))

    thread = threading.Thread(target=look)
    thread.start()
    assert asked.wait(30)
    pyglog.configure(vmodule=f"{NAME}=3")
    switched.set()
    thread.join()
    assert seen == [False, True]


def test_verbose_is_only_a_truth() -> None:
    assert repr(V(0)) == "Verbose(True)" and repr(V(100)) == "Verbose(False)"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(V(0))
    with pytest.raises(TypeError):
        V("2")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", "'x' is not pattern=N"),
        ("=2", "'=2' is not pattern=N"),
        ("x=", "'x=' is not pattern=N"),
        ("x=y", "'x=y' is not pattern=N"),
        ("x=1=2", "'x=1=2' is not pattern=N"),
        ("good=1,x=1.5", "'x=1.5' is not pattern=N"),
        ("[a=1", "a class is not closed"),
        ("[]=1", "must be quoted"),
        ("[z-a]=1", "the range z-a is empty"),
        ("a\\=1", "nothing follows the backslash"),
    ],
)
def test_bad_vmodule_changes_nothing(logs: Logs, text: str, why: str) -> None:
    pyglog.configure(vmodule=f"{NAME}=2")
    with pytest.raises(FlagError, match="vmodule: ") as caught:
        pyglog.configure(v=4, vmodule=text)
    assert why in str(caught.value)
    assert on() == [1, 2]


def test_vmodule_forms() -> None:
    before = pyglog.configure(vmodule={"a*": 2, "b": "3"})
    try:
        assert pyglog.settings().vmodule == (ModuleLevel("a*", 2), ModuleLevel("b", 3))
        assert [str(level) for level in pyglog.settings().vmodule] == ["a*=2", "b=3"]
        pyglog.configure(vmodule=pyglog.settings().vmodule)
        pyglog.configure(vmodule=" a=1, ,b=2,")
        assert [str(level) for level in pyglog.settings().vmodule] == ["a=1", "b=2"]
        with pytest.raises(FlagError):
            pyglog.configure(vmodule=3)
    finally:
        pyglog.restore(before)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=st.text("ab/[]*?\\^-", max_size=8))
def test_quoted_text_matches_itself_alone(text: str) -> None:
    quoted = "".join(f"\\{char}" for char in text)
    regex = compile_glob(quoted)
    assert regex.fullmatch(text)
    assert not regex.fullmatch(text + "a")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(pattern=st.text("ab/[]*?\\^-", max_size=8))
def test_any_pattern_is_compiled_or_refused(pattern: str) -> None:
    try:
        regex = compile_glob(pattern)
    except FlagError as error:
        assert repr(pattern) in str(error)
    else:
        assert regex.fullmatch("") is None or set(pattern) <= {"*"}
