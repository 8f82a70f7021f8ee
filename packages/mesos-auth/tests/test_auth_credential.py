"""Credentials: values that keep their secret, files in every form, the environment."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import traceback
from pathlib import Path

import pytest
from mesos_auth import (
    AuthError,
    BasicAuth,
    BearerAuth,
    Credential,
    CredentialError,
    credential_from_environ,
    load_credential,
    load_credentials,
)

SECRET = "hunter2hunter2"


def write(path: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials"


def test_repr_hides_the_secret() -> None:
    credential = Credential("me", SECRET)
    assert repr(credential) == "Credential(principal='me')"
    assert SECRET not in f"{credential} {[credential]} {credential!r}"


def test_equality_looks_at_both_and_copies_are_equal() -> None:
    credential = Credential("me", SECRET)
    assert credential == Credential("me", SECRET)
    assert credential != Credential("me", "other")
    assert credential != Credential("you", SECRET)
    assert credential != "me"
    assert len({credential, Credential("me", SECRET)}) == 1
    assert copy.deepcopy(credential) == credential == pickle.loads(pickle.dumps(credential))


@pytest.mark.parametrize(
    ("principal", "secret", "says"),
    [
        ("", "x", "printable"),
        ("a\nb", "x", "printable"),
        ("a" * 513, "x", "printable"),
        ("me", "", "has no secret"),
        ("me", None, "text"),
        (b"me", "x", "text"),
        ("me", "\ud800", "UTF-8"),
    ],
)
def test_unusable_credentials(principal: object, secret: object, says: str) -> None:
    with pytest.raises(CredentialError, match=says):
        Credential(principal, secret)  # type: ignore[arg-type]


def test_json_forms(file: Path) -> None:
    one = {"principal": "a b", "secret": "c d"}
    write(file, json.dumps(one))
    assert load_credential(file) == Credential("a b", "c d")
    assert load_credentials(str(file)) == (Credential("a b", "c d"),)
    assert load_credential(f"file://{file}") == Credential("a b", "c d")
    write(file, json.dumps({"credentials": [one, {"principal": "x", "secret": "y"}]}))
    assert load_credentials(file) == (Credential("a b", "c d"), Credential("x", "y"))
    write(file, json.dumps({"credentials": [one]}))
    assert load_credential(file) == Credential("a b", "c d")


def test_line_form(file: Path) -> None:
    write(file, "a 1\n\n  b\t2  \r\nc 3")
    assert load_credentials(file) == (Credential("a", "1"), Credential("b", "2"), Credential("c", "3"))
    write(file, "a 1\n")
    assert load_credential(file) == Credential("a", "1")


def test_of_two_with_one_principal_the_later_counts(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(file, "a 1\nb 2\na 3\n")
    assert load_credentials(file) == (Credential("a", "3"), Credential("b", "2"))
    assert "names the principal 'a' twice" in caplog.text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        (" \n\t", "is empty"),
        (f"me {SECRET} more", "line 1"),
        (f"me {SECRET}\nyou\n", "line 2"),
        (f'{{"principal": "me", "secret": "{SECRET}"', "not JSON: syntax error at line 1"),
        (f'{{"principal": "me", "secret": ["{SECRET}"]}}', '"secret" is missing, empty or not text'),
        (f'{{"secret": "{SECRET}"}}', '"principal" is missing'),
        ('{"principal": "me"}', '"secret" is missing'),
        (f'{{"credentials": "{SECRET}"}}', "is not a list"),
        (f'{{"credentials": ["{SECRET}"]}}', "not an object"),
        (f'{{"credentials": [{{"principal": "a\\nb", "secret": "{SECRET}"}}]}}', "printable"),
        (f'"{SECRET}"', "is not 'principal secret'"),
        (f"me {SECRET}".encode() + b"\xff", "is not UTF-8"),
        ("[" * 100_000, "is not JSON"),
        (b"x" * (5 * 1024 * 1024), "too long"),
    ],
)
def test_broken_files_say_where_and_not_what(file: Path, content: str | bytes, says: str) -> None:
    write(file, content)
    with pytest.raises(CredentialError) as caught:
        load_credentials(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(vars(error)) and SECRET not in str(getattr(error, "doc", ""))
        error = error.__cause__ or error.__context__


def test_file_with_several_is_no_credential(file: Path) -> None:
    write(file, "a 1\nb 2\n")
    with pytest.raises(CredentialError, match="holds 2 credentials where one is wanted"):
        load_credential(file)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="cannot be read: No such file"):
        load_credential(tmp_path / "nothing")
    with pytest.raises(CredentialError, match="cannot be read"):
        load_credential(tmp_path)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_open_permissions_are_warned_about(
    file: Path, mode: int, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mesos.auth"):
        load_credential(write(file, "me x\n", mode))
    assert ("chmod o-rwx" in caplog.text) is warned


def test_environment(file: Path) -> None:
    write(file, f"me {SECRET}\n")
    assert credential_from_environ({}) is None
    assert credential_from_environ({"MESOS_PRINCIPAL": "a", "MESOS_SECRET": "b"}) == Credential("a", "b")
    assert credential_from_environ({"DEFAULT_PRINCIPAL": "a", "DEFAULT_SECRET": "b"}) == Credential("a", "b")
    both = {"MESOS_CREDENTIAL": str(file), "MESOS_PRINCIPAL": "a", "MESOS_SECRET": "b"}
    assert credential_from_environ(both) == Credential("me", SECRET)
    with pytest.raises(CredentialError, match="MESOS_SECRET is not"):
        credential_from_environ({"MESOS_PRINCIPAL": "a"})


def test_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("MESOS_", "DEFAULT_"))]:
        monkeypatch.delenv(name)
    assert credential_from_environ() is None
    monkeypatch.setenv("MESOS_PRINCIPAL", "a")
    monkeypatch.setenv("MESOS_SECRET", "b")
    assert credential_from_environ() == Credential("a", "b")


def test_basic_header() -> None:
    auth = BasicAuth(Credential("Aladdin", "open sesame"))
    assert auth.authorization() == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert "open" not in repr(auth) and "QWxhZGRpb" not in repr(auth)
    with pytest.raises(CredentialError, match="':'"):
        BasicAuth(Credential("a:b", "c"))


def test_bearer_header() -> None:
    auth = BearerAuth("abc.def-_~+/==")
    assert auth.authorization() == "Bearer abc.def-_~+/=="
    assert "abc" not in repr(auth)
    fresh = iter(["one", "two"])
    renewing = BearerAuth(lambda: next(fresh))
    assert [renewing.authorization(), renewing.authorization()] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("token", ["", "zz yy", "zz\r\nX: y", "=zz", "\u00e9"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(AuthError, match="bearer token") as caught:
        BearerAuth(token)
    assert not token or token not in str(caught.value)
    with pytest.raises(AuthError):
        BearerAuth(lambda: token).authorization()


def test_token_is_taken_out_of_the_environment() -> None:
    environ = {"MESOS_EXECUTOR_AUTHENTICATION_TOKEN": "abc", "OTHER": "x"}
    auth = BearerAuth.take_from(environ)
    assert auth is not None and auth.authorization() == "Bearer abc"
    assert environ == {"OTHER": "x"}
    assert BearerAuth.take_from(environ) is None
