"""What type checkers must accept, and make of pyobjx's names."""

from __future__ import annotations

from collections.abc import Mapping

from pyobjx import List, Map, Path, Value, from_json, from_json_list


class Resource:
    """Something that gives a map."""

    def to_map(self) -> Mapping[str, object]:
        """Give it."""
        return {"cpus": 1}


def use(source: bytes) -> None:
    """Use every face of the package."""
    state: Map = from_json(source)
    value: Value = state.get("a.b[0]")
    text: str = value.str("default") + value.text()
    number: int = value.int() + value.must_int()
    share: float = value.float(0.5)
    flag: bool = value.bool() or value.exists()
    inner: Map = value.map().set("x", [text, number, share, flag])
    names: List[str] = value.str_list(["a"]).where(lambda index, name: name != "b")
    sizes: List[int] = names.collect(lambda index, name: len(name))
    groups: dict[str, List[Map]] = value.map_list().group(lambda index, item: item.get("role").str())
    anything: object = value.data
    path: Path = Path.of("a", 0)
    found: object = path.find([inner, sizes, groups, anything])
    merged: Map = state | inner | {"found": found}
    merged |= Map(Resource(), extra=1)
    plain: dict[str, object] = dict(merged)
    for item in from_json_list("[]"):
        plain["x"] = item.to_json()
