"""The synchronous transport, over requests.

The session's `trust_env` is off: a `.netrc` would replace the Authorization header, and a proxy of the
environment would stand between us and the leader. A read that waits is ended from another thread by
shutting its socket down, since closing a file does not wake who reads it: urllib3's `shutdown()` does that
for an answer, and our own adapter keeps the sockets of requests whose answer has not begun.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import socket
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from .errors import (
    ClientClosed,
    ClientMisuse,
    ConnectionFailed,
    MesosHttpError,
    RedirectFailed,
    TimedOut,
    TlsFailed,
)
from .transport import HttpRequest, HttpResponse

_PIECE = 64 * 1024
_POOL = 16


class RequestsTransport:
    """Sends through a `requests.Session`.

    Without a `session` it makes one: `verify` is True or the path of a CA bundle, `cert` the path of a client
    certificate with its key, or both paths; `unix_socket` is the path of a socket that every plain request
    goes to, whatever host its URL names. A session of yours keeps its adapters, certificates, proxies and
    `auth`; it is not closed, and only its `trust_env` is turned off.
    """

    def __init__(
        self,
        session: requests.Session | None = None,
        *,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        unix_socket: str | None = None,
    ) -> None:
        if session is not None and (verify is not True or cert is not None or unix_socket is not None):
            raise ClientMisuse("set verify, cert and the like on the session that you give")
        self._own = session is None
        self._adapter = _Adapter(unix_socket)
        self._answers: weakref.WeakSet[_Response] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        if session is None:
            session = _Session()
            session.verify = verify
            session.cert = cert
            session.mount("http://", self._adapter)
            session.mount("https://", self._adapter)
        session.trust_env = False
        self._session = session

    def send(self, request: HttpRequest, connect_timeout: float, read_timeout: float) -> HttpResponse:
        """Send a request and return its answer, the body unread."""
        if self._closed:
            raise ClientClosed("this client is closed")
        with _translated(request.url):
            answer = self._session.request(
                request.method,
                request.url,
                data=request.body,
                headers=dict(request.headers),
                timeout=(connect_timeout, None if read_timeout == math.inf else read_timeout),
                allow_redirects=False,
                stream=True,
            )
        response = _Response(answer, request.url)
        with self._lock:
            self._answers.add(response)
            closed = self._closed
        if closed:
            response.close()
            raise ClientClosed("this client is closed")
        return response

    def close(self) -> None:
        """Close every connection, those in use by other threads as well."""
        with self._lock:
            self._closed = True
            answers = list(self._answers)
        for response in answers:
            response.close()
        if self._own:
            self._adapter.shut_down()
            self._session.close()


class _Session(requests.Session):
    """Leaves redirects alone: requests would read their bodies whole and look at where they lead."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _Response:
    """An answer; one thread reads, any may close."""

    def __init__(self, answer: requests.Response, url: str) -> None:
        self._raw: Any = answer.raw
        self._url = url
        self._reading = threading.Lock()
        self._closed = False
        self.status = answer.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in answer.headers.items()}

    def read_some(self) -> bytes:
        with self._reading:
            if self._closed:
                raise ClientClosed("the answer was closed")
            try:
                with _translated(self._url):
                    data: bytes = self._raw.read1(_PIECE, decode_content=True) or b""
            except ConnectionFailed as error:
                self._raw.close()
                if self._closed:
                    raise ClientClosed("the answer was closed") from error
                raise
            if not data:
                self._raw.release_conn()
            if self._closed:
                self._raw.close()
                raise ClientClosed("the answer was closed")
            return data

    def close(self) -> None:
        self._closed = True
        # Nothing to shut down when the body has ended, or when the connection is gone: not an error here.
        with contextlib.suppress(RuntimeError, ValueError, OSError):
            self._raw.shutdown()
        if self._reading.acquire(blocking=False):
            try:
                self._raw.close()
            finally:
                self._reading.release()


class _Adapter(HTTPAdapter):
    """Knows its connections, to shut down those that still wait for an answer."""

    def __init__(self, unix_socket: str | None = None) -> None:
        self._unix_socket = unix_socket
        self._connections: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._down = False
        super().__init__(pool_connections=_POOL, pool_maxsize=_POOL)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        adapter = self

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                path = adapter._unix_socket
                return super()._new_conn() if path is None else _connect_to_file(path, self.timeout)

            def connect(self) -> None:
                super().connect()
                adapter.opened(self)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                # Who turned verification off knows it: urllib3 need not warn of each connection.
                self.proxy_is_verified = True
                adapter.opened(self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def opened(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connections.add(connection)
            down = self._down
        if down:
            _shut_down(connection)

    def shut_down(self) -> None:
        with self._lock:
            self._down = True
            connections = list(self._connections)
        for connection in connections:
            _shut_down(connection)


def _connect_to_file(path: str, timeout: float | None) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def _shut_down(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):  # The peer was quicker.
            sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn what requests, urllib3 and the system raise into errors of ours."""
    try:
        yield
    except MesosHttpError:
        raise
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        raise TlsFailed(f"{url}: no TLS: {_reason(error)}") from error
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError) as error:
        raise TimedOut(f"{url}: nothing came in time: {_reason(error)}") from error
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
        raise ClientMisuse(f"{url}: this cannot be sent: {type(error).__name__}") from None
    except (
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        OSError,
    ) as error:
        raise ConnectionFailed(f"{url}: {_reason(error)}") from error
    except ValueError as error:  # A session that is not ours looks at where a redirect leads.
        raise RedirectFailed(f"{url} redirects to what is no URL: {error}") from error


def _reason(error: BaseException) -> str:
    """Return what was raised first, in the system's words: what wraps it tells of pools and retries."""
    inner: object = error
    while isinstance(inner, BaseException):
        error = inner
        wrapped = (error.__cause__, getattr(error, "reason", None), *error.args)
        inner = next((each for each in wrapped if isinstance(each, BaseException)), None)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
