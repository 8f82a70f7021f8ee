"""What the HTTP endpoints of master and agent share."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
from collections.abc import Mapping
from json import dumps as text_of
from typing import TypeVar

from google.protobuf.message import Message
from mesos_messenger import MessageError, parse_message
from mesos_messenger.http import HttpError, Request, Response
from mesos_proto import json
from mesos_proto.errors import JSONError

from ._json_lists import complete

__all__ = [
    "JSON",
    "PROTOBUF",
    "accepted",
    "allows",
    "as_json",
    "body_as",
    "encoded",
    "not_implemented",
    "principal",
    "reading",
    "wrong_method",
]

JSON = "application/json"
PROTOBUF = "application/x-protobuf"

M = TypeVar("M", bound=Message)


def reading(request: Request) -> Response | None:
    """Refuse what is not a reading request."""
    return None if request.method in ("GET", "HEAD") else wrong_method(request, "GET", "HEAD")


def wrong_method(request: Request, *allowed: str) -> Response:
    """Say which methods are allowed."""
    named = ", ".join(f"'{method}'" for method in allowed)
    text = f"405 Method Not Allowed. Expecting one of {{ {named} }}, but received '{request.method}'."
    return Response.text(text, 405, {"Allow": ", ".join(allowed)})


async def not_implemented(request: Request) -> Response:
    """Say that a thing of a real Mesos is not there."""
    return Response.text(f"An embedded cluster does not have {request.method} {request.path}.", 501)


def as_json(request: Request, model: object) -> Response:
    """Answer with JSON; as a script that calls `jsonp` when the query asks for it."""
    response = Response.json(model)
    callback = request.query.get("jsonp")
    if callback is None:
        return response
    return Response(
        body=callback.encode() + b"(" + response.body + b");", headers={"Content-Type": "text/javascript"}
    )


def body_as(kind: type[M], request: Request, body: bytes) -> M:
    """Read a message of this type from the body, in the form its Content-Type names. Raises HttpError."""
    media = request.headers.get("content-type")
    if media is None:
        raise HttpError(400, "Expecting 'Content-Type' to be present")
    if media == PROTOBUF:
        try:
            message = parse_message(kind, body)
        except MessageError as error:
            raise HttpError(400, "Failed to parse body into Call protobuf") from error
        if not message.IsInitialized():
            raise HttpError(400, "Failed to parse body into Call protobuf: a required field is missing")
        return message
    if media == JSON:
        try:
            return json.loads(kind, body)
        except ValueError as error:
            raise HttpError(400, f"Failed to convert JSON into Call protobuf: {error}") from error
    raise HttpError(415, f"Expecting 'Content-Type' of {JSON} or {PROTOBUF}")


def encoded(media: str, message: Message) -> bytes:
    """Write a message as this media type. JSON has no NaN, which some executor may have sent: 0 it is."""
    if media == PROTOBUF:
        return message.SerializeToString()
    try:
        model = json.to_dict(message)
    except JSONError:
        numbered = type(message)()
        numbered.CopyFrom(message)
        _replace_nan(numbered)
        model = json.to_dict(numbered)
    model = complete(message.DESCRIPTOR.full_name, model)
    return text_of(model, separators=(",", ":")).encode()


def allows(request: Request, *media: str) -> bool:
    """Tell whether an answer may have one of these media types."""
    text = request.headers.get("accept", "*/*")
    allowed = {part.partition(";")[0].strip().lower() for part in text.split(",")}
    return bool(allowed & {*media, "*/*", "application/*"})


def _replace_nan(message: Message) -> None:
    for field, value in message.ListFields():
        if isinstance(value, Message):
            _replace_nan(value)
        elif isinstance(value, float):
            if math.isnan(value):
                setattr(message, field.name, 0.0)
        elif field.message_type is not None:
            for each in value.values() if isinstance(value, Mapping) else value:
                if isinstance(each, Message):
                    _replace_nan(each)


def accepted(request: Request) -> str:
    """Choose the media type of an answer; JSON when both will do. Raises HttpError when neither does."""
    for media in (JSON, PROTOBUF):
        if allows(request, media):
            return media
    raise HttpError(406, f"Expecting 'Accept' to allow '{PROTOBUF}' or '{JSON}'")


def principal(request: Request, secrets: Mapping[str, str] | None, realm: str) -> str:
    """Give who sends the request, by Basic authentication; empty where nobody has to say.

    Raises HttpError 401 for a wrong secret, or for none.
    """
    if secrets is None:
        return ""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name = secret = ""
        known = secrets.get(name)
        if known is not None and hmac.compare_digest(known.encode(), secret.encode()):
            return name
    raise HttpError(401, "", {"WWW-Authenticate": f'Basic realm="{realm}"'})
