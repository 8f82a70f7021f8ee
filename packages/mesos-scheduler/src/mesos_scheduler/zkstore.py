"""A framework id in ZooKeeper: the next instance may start on another machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NodeExistsError, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE
from mesos_detector.address import MasterAddress, ZooKeeperAddress, parse_master, redact
from mesos_detector.errors import MalformedMasterError

from .errors import FrameworkIdStoreError


class ZooKeeperFrameworkIdStore:
    """Keeps the id in a node: `zk://[user:password@]h1:2181,h2:2181/frameworks/mine`.

    With credentials nobody else can read or change the node. Each use is a session of its own, given up
    after `timeout` seconds. Raises `FrameworkIdStoreError` for a malformed address.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        try:
            address: MasterAddress | None = parse_master(url)
        except MalformedMasterError as error:
            raise FrameworkIdStoreError(str(error)) from error
        if not isinstance(address, ZooKeeperAddress) or address.path == "/":
            raise FrameworkIdStoreError(f"{redact(url)} names no node: write zk://host:port/path/of/node")
        self._address = address
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<ZooKeeperFrameworkIdStore {self._address}>"

    def load(self) -> str | None:
        """Return the id; None when there is no node."""

        def load(client: Any) -> str | None:
            try:
                data, _ = client.get(self._address.path)
            except NoNodeError:
                return None
            text = bytes(data).decode("utf-8", "replace").strip()
            if not text or len(text.split()) != 1:
                raise FrameworkIdStoreError(
                    f"{self._address} does not hold one framework id; remove it to register a new framework"
                )
            return text

        found: str | None = self._do("read", load)
        return found

    def save(self, framework_id: str) -> None:
        """Write the id, known to a majority of the servers when this returns."""
        data = framework_id.encode("utf-8")
        acl = CREATOR_ALL_ACL if self._address.credential is not None else OPEN_ACL_UNSAFE

        def save(client: Any) -> None:
            try:
                client.set(self._address.path, data)
            except NoNodeError:
                try:
                    client.create(self._address.path, data, acl=acl, makepath=True)
                except NodeExistsError:
                    client.set(self._address.path, data)

        self._do("write", save)

    def clear(self) -> None:
        """Remove the node."""

        def clear(client: Any) -> None:
            try:
                client.delete(self._address.path)
            except NoNodeError:
                pass

        self._do("remove", clear)

    def _do(self, what: str, action: Callable[[Any], Any]) -> Any:
        try:
            with self._connected() as client:
                return action(client)
        except (KazooException, KazooTimeoutError) as error:
            reason = str(error) or type(error).__name__
        # Outside of the handler: kazoo's exceptions may carry the request, and with it the credentials.
        raise FrameworkIdStoreError(f"cannot {what} the framework id at {self._address}: {reason}")

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        credential = self._address.credential
        quiet = logging.Logger("mesos.scheduler.kazoo")  # kazoo logs whole requests, credentials included
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        client = KazooClient(
            hosts=self._address.hosts,
            timeout=self._timeout,
            auth_data=[("digest", credential)] if credential is not None else None,
            logger=quiet,
        )
        try:
            client.start(timeout=self._timeout)
            yield client
        finally:
            client.stop()
            client.close()
