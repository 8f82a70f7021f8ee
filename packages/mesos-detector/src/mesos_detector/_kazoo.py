"""A connection to ZooKeeper whose every outcome is one of our values, and none of kazoo's."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from kazoo import exceptions as kazoo_errors
from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState, KeeperState
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE

from mesos_detector._client import abandon_client, close_client, expire_client, make_client
from mesos_detector.address import ZooKeeperAddress

_RENEWAL_SECONDS = 1.0
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
        self._address = address
        self._lock = threading.Lock()
        self._stopped = False
        self.session_id: int | None = None
        """The number of the session that is, or was last, alive."""
        # One watch for the connection's life: kazoo keeps a set of them, in which this one is there once.
        self._watch: Callable[[object], None] = lambda event: on_change()
        self._secured = address.credential is not None
        self._make = functools.partial(
            make_client,
            address,
            session_timeout=session_timeout,
            on_state=self._changed,
            on_crash=self._crashed,
        )
        self._client = self._make()
        self._renewal: threading.Timer | None = None

    def start(self) -> None:
        """Begin to connect."""
        self._client.start_async()

    def stop(self) -> None:
        """Close the session, whose ephemeral nodes are then gone, and every thread and socket.

        Where ZooKeeper (or a name service) hangs, so does kazoo: then it is left to end in the background.
        """
        self._end(close_client)

    def abandon(self) -> None:
        """End without a word to ZooKeeper, which keeps the session for its time."""
        self._end(abandon_client)

    def expire(self, timeout: float) -> None:
        """Have ZooKeeper end the session. Raises ContenderError when it does not answer in time."""
        expire_client(self._client, self._address, timeout)

    def _end(self, end: Callable[[KazooClient], None]) -> None:
        with self._lock:
            first, self._stopped = not self._stopped, True
            renewal = self._renewal
        if not first:
            return
        if renewal is not None:
            renewal.cancel()
            renewal.join(_CLOSE_SECONDS)
        closer = threading.Thread(target=end, args=(self._client,), name="mesos-detector-close", daemon=True)
        closer.start()
        closer.join(_CLOSE_SECONDS)
        if closer.is_alive():
            log.warning("ZooKeeper hangs; the connection to it is left to close in the background")

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

    def _crashed(self, error: Exception) -> None:
        """Begin anew with another client: kazoo's has ended on an answer that it did not expect."""
        with self._lock:
            if self._stopped:
                return
            self._renewal = threading.Timer(_RENEWAL_SECONDS, self._renew)
            self._renewal.name = "mesos-detector-renew"
            self._renewal.daemon = True
            self._renewal.start()
        log.warning("ZooKeeper's answer made no sense (%s); connecting anew", type(error).__name__)

    def _renew(self) -> None:
        with self._lock:
            if self._stopped:
                return
            old, self._client = self._client, self._make()
            self._client.start_async()
        close_client(old)

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
