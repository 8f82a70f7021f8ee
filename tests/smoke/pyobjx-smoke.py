"""pyobjx alone: a path into a nested document."""

from pyobjx import from_json

state = from_json('{"frameworks": [{"tasks": [{"id": "one"}, {"id": "two"}]}]}')
assert state.get("frameworks[0].tasks[1].id").str() == "two"
print("pyobjx: works")
