"""Questions over HTTP to masters of every age, with the answers scripted."""

from __future__ import annotations

import json

import pytest
from detector_helpers import as_json, master_info
from mesos_detector import HostPort
from mesos_detector._http import Answer, Question, QuestionError, RefusedError
from mesos_detector._inquiry import Finding, Found, NoLeader, Unclear, Unreachable, inquire

A, B = HostPort("a", 5050), HostPort("b", 5050)
GET_MASTER = json.dumps(
    {"type": "GET_MASTER", "get_master": {"master_info": json.loads(as_json(master_info(1)))}}
).encode()
GONE = Answer(404, None)


class Script:
    """Answers by (host, path); what is missing is 404; an exception is raised."""

    def __init__(self, answers: dict[tuple[str, str], Answer | Exception]) -> None:
        self.answers = answers
        self.asked: list[Question] = []

    def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        answer = self.answers.get((question.server.host, question.path), GONE)
        if isinstance(answer, Exception):
            raise answer
        return answer


def find(answers: dict[tuple[str, str], Answer | Exception], scheme: str = "http") -> Finding:
    return inquire(scheme, A, Script(answers))


def state(**fields: object) -> Answer:
    return Answer(200, None, json.dumps(fields).encode())


def test_leader_names_itself() -> None:
    assert find({("a", "/api/v1"): Answer(200, None, GET_MASTER)}) == Found("http", A, master_info(1))


@pytest.mark.parametrize("location", ["//b:5050/master/api/v1", "http://b:5050", "http://b:5050/"])
def test_other_master_redirects(location: str) -> None:
    answers: dict[tuple[str, str], Answer | Exception] = {
        ("a", "/api/v1"): Answer(307, location),
        ("b", "/api/v1"): Answer(200, None, GET_MASTER),
    }
    assert find(answers) == Found("http", B, master_info(1))


def test_old_master_leads() -> None:
    pid = "master@10.0.0.1:5050"
    finding = find(
        {
            ("a", "/redirect"): Answer(307, "//a:5050"),
            ("a", "/state"): state(id="i", pid=pid, leader=pid, hostname="m1", version="0.25.0"),
        }
    )
    assert isinstance(finding, Found) and finding.info is not None
    assert (finding.info.id, finding.info.pid, finding.info.version) == ("i", pid, "0.25.0")


def test_master_that_wants_authentication_is_found_by_its_redirect() -> None:
    denied = Answer(401, None)
    finding = find(
        {("a", "/api/v1"): denied, ("a", "/redirect"): Answer(307, "//a:5050"), ("a", "/state"): denied}
    )
    assert finding == Found("http", A, None)


def test_authorization_goes_where_it_is_wanted_and_is_not_shown() -> None:
    script = Script({("a", "/redirect"): Answer(307, "//a:5050")})
    inquire("http", A, script, "Basic c2VjcmV0")
    assert [dict(question.headers).get("Authorization") for question in script.asked] == [
        "Basic c2VjcmV0",
        None,
        "Basic c2VjcmV0",
    ]
    assert "c2VjcmV0" not in repr(script.asked)


def test_state_alone_names_the_leader() -> None:
    pid = "master@10.0.0.1:5050"
    finding = find(
        {
            ("a", "/state"): state(pid=pid, leader="master@10.0.0.2:5051"),
            ("10.0.0.2", "/api/v1"): Answer(200, None, GET_MASTER),
        }
    )
    assert finding == Found("http", HostPort("10.0.0.2", 5051), master_info(1))


@pytest.mark.parametrize(
    "answers",
    [
        {("a", "/api/v1"): Answer(503, None), ("a", "/redirect"): Answer(503, None)},
        {("a", "/state"): state(pid="master@10.0.0.1:5050")},
        {("a", "/api/v1"): Answer(307, "//b:5050"), ("b", "/api/v1"): RefusedError("b refuses")},
        {("a", "/api/v1"): Answer(307, "//b:5050"), ("b", "/api/v1"): Answer(307, "//a:5050")},
    ],
)
def test_no_leader(answers: dict[tuple[str, str], Answer | Exception]) -> None:
    assert isinstance(find(answers), NoLeader)


def test_endless_redirects_end() -> None:
    script = Script({})
    script.answers = {(f"h{n}", "/api/v1"): Answer(307, f"//h{n + 1}:5050") for n in range(100)}
    script.answers["a", "/api/v1"] = Answer(307, "//h0:5050")
    assert isinstance(inquire("http", A, script), NoLeader)
    assert len(script.asked) == 5


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {("a", "/api/v1"): QuestionError("too slow")},
        {("a", "/api/v1"): Answer(307, "//b:5050"), ("b", "/api/v1"): QuestionError("too slow")},
        {("a", "/api/v1"): Answer(200, None, b"<html>"), ("a", "/state"): Answer(200, None, b"<html>")},
        {("a", "/api/v1"): Answer(307, "http://b:notaport/"), ("a", "/redirect"): Answer(307, "ftp://b/")},
        {("a", "/api/v1"): Answer(307, None), ("a", "/state"): state(pid=7, leader=[])},
        {("a", "/state"): state(pid="x", leader="nonsense")},
    ],
)
def test_unclear(answers: dict[tuple[str, str], Answer | Exception]) -> None:
    assert isinstance(find(answers), Unclear)


def test_nobody_there() -> None:
    assert find({("a", "/api/v1"): RefusedError("a refuses")}) == Unreachable("a refuses")


def test_https_is_never_left_for_http() -> None:
    answers: dict[tuple[str, str], Answer | Exception] = {
        ("a", "/api/v1"): Answer(307, "http://b:5050/"),
        ("b", "/api/v1"): Answer(200, None, GET_MASTER),
    }
    assert isinstance(find(answers, "https"), Unclear)
    answers["a", "/api/v1"] = Answer(307, "//b:5050/")
    assert find(answers, "https") == Found("https", B, master_info(1))
