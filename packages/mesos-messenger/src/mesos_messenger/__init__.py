"""libprocess messaging: typed messages between processes, in order, links, plain HTTP on the same port."""

from ._calls import TimerHandle
from ._parse import parse_message
from ._route import Overflow, Undelivered
from .codec import Decoder, Encoder, HostHeader, Limits
from .endpoint import Endpoint
from .errors import (
    AddressError,
    ConfigurationError,
    MessageError,
    MessengerError,
    NotRunningError,
    ProtocolError,
    QueueFullError,
    UsageError,
)
from .http import HttpError, Pipe, Request, Response, StreamingResponse
from .messenger import Messenger
from .metrics import Drop, Snapshot
from .options import Options
from .tls import Tls
from .upid import UPID

__all__ = [  # noqa: RUF022
    "AddressError",
    "ConfigurationError",
    "Decoder",
    "Drop",
    "Encoder",
    "Endpoint",
    "HostHeader",
    "HttpError",
    "Limits",
    "MessageError",
    "Messenger",
    "MessengerError",
    "NotRunningError",
    "Options",
    "Overflow",
    "Pipe",
    "ProtocolError",
    "QueueFullError",
    "Request",
    "Response",
    "Snapshot",
    "StreamingResponse",
    "TimerHandle",
    "Tls",
    "UPID",
    "Undelivered",
    "UsageError",
    "parse_message",
]
