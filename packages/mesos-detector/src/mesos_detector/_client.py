"""kazoo's client as we want it: discreet in what it logs, and never ended by a strange answer in silence."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kazoo.client import KazooClient
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.retry import KazooRetry

from mesos_detector.address import ZooKeeperAddress
from mesos_detector.errors import ContenderError

_RECONNECT_DELAY = 0.1
_RECONNECT_DELAY_MAX = 2.0

log = logging.getLogger("mesos.detector")

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter  # Not subscriptable in Python 3.10.


class _Discreet(_Adapter):
    """Passes kazoo's records on, at DEBUG or below and with the credentials blotted out.

    kazoo logs whole requests when it is verbose, and warns at each attempt to connect. What a user needs to
    know of that, the detector says itself.
    """

    def __init__(self, logger: logging.Logger, secret: str | None) -> None:
        super().__init__(logger, {})
        password = (secret or "").partition(":")[2]
        self._secrets = [text for text in (secret, password) if text]

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        level = min(level, logging.DEBUG)
        if not self.isEnabledFor(level):
            return
        try:
            text = str(msg) % args if args else str(msg)
        except (TypeError, ValueError):  # A record that does not fit together must not end kazoo's thread.
            text = str(msg)
        for secret in self._secrets:
            text = text.replace(secret, "***").replace(repr(secret)[1:-1], "***")
        # The session's own password, too, is a secret: with it anybody can take the session over.
        head, found, _ = text.partition("passwd")
        text = f"{head}{found} ***" if found else text
        self.logger.log(level, "%s", text, **kwargs)


class _Guarded(SequentialThreadingHandler):  # type: ignore[misc]
    """Starts kazoo's threads, and tells when one ends on an error."""

    def __init__(self, on_crash: Callable[[Exception], None]) -> None:
        super().__init__()
        self._on_crash = on_crash

    def spawn(self, func: Callable[..., object], *args: Any, **kwargs: Any) -> Any:
        def guarded() -> None:
            try:
                func(*args, **kwargs)
            except Exception as error:
                self._on_crash(error)

        thread = super().spawn(guarded)
        thread.name = "mesos-detector-kazoo"
        return thread


def make_client(
    address: ZooKeeperAddress,
    *,
    session_timeout: float,
    on_state: Callable[[str], None],
    on_crash: Callable[[Exception], None],
) -> KazooClient:
    """Make a client, not started. `on_crash` is told when it has ended on an error."""
    retry = KazooRetry(
        max_tries=-1, delay=_RECONNECT_DELAY, backoff=2, max_jitter=0.4, max_delay=_RECONNECT_DELAY_MAX
    )
    client = KazooClient(
        hosts=address.hosts,
        timeout=session_timeout,
        handler=_Guarded(on_crash),
        auth_data=[("digest", address.credential)] if address.credential is not None else None,
        connection_retry=retry,
        logger=_Discreet(logging.getLogger("mesos.detector.kazoo"), address.credential),
    )
    client.add_listener(on_state)
    return client


def abandon_client(client: KazooClient) -> None:
    """End a client as a killed process does: the session stays until ZooKeeper has missed it long enough."""
    try:
        client._stopped.set()  # So that it does not connect again; kazoo has no way to say so in public.
        connected = client._connection._socket
        if connected is not None:
            with contextlib.suppress(OSError):  # It was not connected at the moment.
                connected.shutdown(socket.SHUT_RDWR)
        client._safe_close()
        client.close()
    except Exception as error:  # As below.
        log.warning("The connection to ZooKeeper was not abandoned in order: %s", type(error).__name__)


def expire_client(client: KazooClient, address: ZooKeeperAddress, timeout: float) -> None:
    """Have the servers end a client's session. Raises ContenderError when they cannot be reached in time."""
    # Who connects with a session's number and password is its owner, and may close it.
    twin = KazooClient(
        hosts=address.hosts,
        client_id=client.client_id,
        logger=_Discreet(logging.getLogger("mesos.detector.kazoo"), address.credential),
    )
    try:
        twin.start(timeout)
    except Exception as error:
        raise ContenderError(f"the session at {address} cannot be ended: {type(error).__name__}") from error
    finally:
        close_client(twin)


def close_client(client: KazooClient) -> None:
    """End a client, whatever its state."""
    try:
        client.stop()
        client.close()
    except Exception as error:  # There are no promises about what kazoo raises here.
        log.warning("The connection to ZooKeeper was not closed in order: %s", type(error).__name__)
