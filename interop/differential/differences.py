"""What differs between the real and the embedded cluster, and why; README.md shows the same table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines that only one of the transcripts has, as patterns in order (`*` is any text)."""

    reason: str
    real: tuple[str, ...] = ()
    local: tuple[str, ...] = ()


_OWN_WORDS = "the text is our parser's own, which says more; the status is the same"

_PAGE = "statuses have their message too, as the embedded cluster's web page shows it"

DIFFERENCES: dict[str, Difference] = {
    "operator_agents": Difference(
        "agents lack AGENT_DRAINING and TASK_RESOURCE_LIMITS; `checkpoint`, unknown to v1, is not told",
        real=('*"checkpoint": true*AGENT_DRAINING*TASK_RESOURCE_LIMITS*',) * 2,
        local=("*AGENT_OPERATION_FEEDBACK*RESOURCE_PROVIDER*",) * 2,
    ),
    "negative_resource": Difference(
        "the resource algebra refuses it in its own words; state and reason are the same",
        real=("*Resource 'disk:-1' is invalid: *REASON_TASK_INVALID*TASK_ERROR*",),
        local=("*Task uses invalid resources: *REASON_TASK_INVALID*TASK_ERROR*",),
    ),
    "agent_state_framework": Difference(_PAGE, local=("*.message str",)),
    "master_tasks": Difference(_PAGE, local=("*.message str",)),
    "http_bad_json": Difference(
        _OWN_WORDS,
        real=("400 * Failed to parse body into JSON: *",),
        local=("400 * Failed to convert JSON into Call protobuf: not JSON: *",),
    ),
    "http_json_array": Difference(
        _OWN_WORDS,
        real=("400 * Failed to convert JSON into Call protobuf: Expecting a JSON object",),
        local=("400 * Failed to convert JSON into Call protobuf: * not an array",),
    ),
}
