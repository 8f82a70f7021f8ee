"""The one place that knows kazoo: a connection to ZooKeeper whose every outcome is one of our values."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeAlias

from kazoo import exceptions as kazoo_errors
from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState, KeeperState
from kazoo.retry import KazooRetry
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE

from mesos_detector.address import ZooKeeperAddress

_RECONNECT_DELAY = 0.1
_RECONNECT_DELAY_MAX = 2.0
_CLOSE_SECONDS = 5.0

log = logging.getLogger("mesos.detector")


class Link(Enum):
    """What happened to the connection."""

    CONNECTED = auto()
    SUSPENDED = auto()
    EXPIRED = auto()
    REFUSED = auto()


class Missing(Enum):
    """The node does not exist."""

    MISSING = auto()


@dataclass(frozen=True, slots=True)
class Trouble:
    """ZooKeeper, or the way to it, answered with an error. `retryable`: a later try may do better."""

    reason: str
    retryable: bool


Done: TypeAlias = Callable[[Any], None]

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


class Connection:
    """A session with ZooKeeper, kept alive and renewed. Callbacks come on threads of kazoo's."""

    def __init__(
        self,
        address: ZooKeeperAddress,
        *,
        session_timeout: float,
        on_link: Callable[[Link], None],
        on_change: Callable[[], None],
    ) -> None:
        self._on_link = on_link
        self._lock = threading.Lock()
        self._stopped = False
        self.session_id: int | None = None
        """The number of the session that is, or was last, alive."""
        # One watch for the connection's life: kazoo keeps a set of them, in which this one is there once.
        self._watch: Callable[[object], None] = lambda event: on_change()
        self._secured = address.credential is not None
        retry = KazooRetry(
            max_tries=-1, delay=_RECONNECT_DELAY, backoff=2, max_jitter=0.4, max_delay=_RECONNECT_DELAY_MAX
        )
        self._client = KazooClient(
            hosts=address.hosts,
            timeout=session_timeout,
            auth_data=[("digest", address.credential)] if address.credential is not None else None,
            connection_retry=retry,
            logger=_Discreet(logging.getLogger("mesos.detector.kazoo"), address.credential),
        )
        self._client.add_listener(self._changed)

    def start(self) -> None:
        """Begin to connect."""
        self._client.start_async()

    def stop(self) -> None:
        """Close the session, whose ephemeral nodes are then gone, and every thread and socket.

        Where ZooKeeper (or a name service) hangs, so does kazoo: then it is left to end in the background.
        """
        with self._lock:
            first, self._stopped = not self._stopped, True
        if not first:
            return
        closer = threading.Thread(target=self._close, name="mesos-detector-close", daemon=True)
        closer.start()
        closer.join(_CLOSE_SECONDS)
        if closer.is_alive():
            log.warning("ZooKeeper hangs; the connection to it is left to close in the background")

    def _close(self) -> None:
        try:
            self._client.stop()
            self._client.close()
        except Exception as error:  # There are no promises about what kazoo raises here.
            log.warning("The connection to ZooKeeper was not closed in order: %s", type(error).__name__)

    def children(self, path: str, done: Done) -> None:
        """List children and watch them (`on_change`); `done` gets the names, Missing or Trouble."""

        def listed(outcome: Any) -> None:
            if outcome is Missing.MISSING:
                self._call(lambda: self._client.exists_async(path, watch=self._watch), appeared)
            else:
                done(outcome)

        def appeared(outcome: Any) -> None:
            if isinstance(outcome, Trouble):
                done(outcome)
            elif outcome is None or outcome is Missing.MISSING:
                done(Missing.MISSING)
            else:
                self._watch(None)

        self._call(lambda: self._client.get_children_async(path, watch=self._watch), listed)

    def get(self, path: str, done: Done) -> None:
        """Read a node; `done` gets its data, Missing or Trouble."""

        def got(outcome: Any) -> None:
            done(outcome[0] if isinstance(outcome, tuple) else outcome)

        self._call(lambda: self._client.get_async(path), got)

    def owner(self, path: str, done: Done) -> None:
        """Look for a node; `done` gets the number of its session (0: lasting), Missing or Trouble."""

        def found(outcome: Any) -> None:
            if outcome is None:
                done(Missing.MISSING)
            else:
                done(outcome if isinstance(outcome, (Missing, Trouble)) else outcome.ephemeralOwner)

        self._call(lambda: self._client.exists_async(path), found)

    def create(self, path: str, data: bytes, done: Done, *, sequential: bool = False) -> None:
        """Create a node, ephemeral and sequential or lasting; `done` gets its path or Trouble.

        Lasting nodes that are there already are no trouble.
        """
        acl = CREATOR_ALL_ACL + READ_ACL_UNSAFE if self._secured else OPEN_ACL_UNSAFE

        def created(outcome: Any) -> None:
            done(path if isinstance(outcome, _Exists) else outcome)

        self._call(
            lambda: self._client.create_async(path, data, acl=acl, ephemeral=sequential, sequence=sequential),
            created,
        )

    def delete(self, path: str, done: Done) -> None:
        """Delete a node; `done` gets None, Missing or Trouble."""
        self._call(lambda: self._client.delete_async(path), done)

    def _changed(self, state: str) -> None:
        if state == KazooState.CONNECTED:
            identity = self._client.client_id
            self.session_id = identity[0] if identity else self.session_id
            self._on_link(Link.CONNECTED)
        elif state == KazooState.SUSPENDED:
            self._on_link(Link.SUSPENDED)
        elif self._client.client_state == KeeperState.AUTH_FAILED:
            self._on_link(Link.REFUSED)
        else:
            self._on_link(Link.EXPIRED)

    def _call(self, begin: Callable[[], Any], done: Done) -> None:
        try:
            pending = begin()
        except Exception as error:
            done(_trouble(error))
            return

        def finished(result: Any) -> None:
            done(result.value if result.exception is None else _trouble(result.exception))

        pending.rawlink(finished)


class _Exists:
    """Outcome of a creation: the node was there."""


_REFUSALS: Mapping[type[Exception], str] = {
    kazoo_errors.NoAuthError: "ZooKeeper does not allow it: the node's ACL asks for other credentials",
    kazoo_errors.AuthFailedError: "ZooKeeper refuses the credentials",
    kazoo_errors.InvalidACLError: "ZooKeeper refuses the ACL: the credentials are not valid for digest",
    kazoo_errors.BadArgumentsError: "ZooKeeper refuses the path",
    kazoo_errors.NoChildrenForEphemeralsError: "the path is an ephemeral node, which can have no children",
}


def _trouble(error: BaseException) -> Missing | _Exists | Trouble:
    if isinstance(error, kazoo_errors.NoNodeError):
        return Missing.MISSING
    if isinstance(error, kazoo_errors.NodeExistsError):
        return _Exists()
    for kind, reason in _REFUSALS.items():
        if isinstance(error, kind):
            return Trouble(reason, retryable=False)
    return Trouble(f"ZooKeeper answered with {type(error).__name__}", retryable=True)
