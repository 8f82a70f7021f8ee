"""Frameworks for tests over the v1 HTTP API, with threads and under asyncio; else as with libprocess."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any

from mesos_auth import BasicAuth, Credential
from mesos_http import PROTOBUF, Codec
from mesos_scheduler import DriverAborted
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpOptions, HttpSchedulerDriver

from realmesos.framework import WAIT, Framework


class HttpFramework(Framework):
    """A `Framework` on `HttpSchedulerDriver`."""

    def __init__(
        self,
        master: str,
        *,
        codec: Codec = PROTOBUF,
        credential: Credential | None = None,
        implicit_acknowledgements: bool = True,
        reconcile: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(master, **arguments)
        if credential is not None and not self.info.principal:
            self.info.principal = credential.principal
        self._make_driver(
            master,
            codec=codec,
            auth=None if credential is None else BasicAuth(credential),
            implicit_acknowledgements=implicit_acknowledgements,
            options=HttpOptions(reconcile=reconcile, connection_delay=0.1),
        )

    def _make_driver(self, master: str, **arguments: Any) -> None:
        self.driver = HttpSchedulerDriver(self.watcher, self.info, master, **arguments)  # type: ignore[assignment]


class AsyncHttpFramework(HttpFramework):
    """A `Framework` on `AsyncHttpSchedulerDriver`, whose event loop has a thread of its own here."""

    def __enter__(self) -> AsyncHttpFramework:
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="interop-asyncio")
        self._thread.start()
        if not self._started.wait(WAIT):
            raise AssertionError("the driver did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.driver.stop()
        self._thread.join(WAIT)
        if error is not None:
            return
        if self._thread.is_alive():
            raise AssertionError("the driver did not end")
        told = any(each.name == "error" for each in self.watcher.callbacks)
        if self._failure is not None and not (told and isinstance(self._failure, DriverAborted)):
            raise self._failure

    def _make_driver(self, master: str, **arguments: Any) -> None:
        self._async_driver = AsyncHttpSchedulerDriver(self.info, master, **arguments)
        self.driver = self._async_driver  # type: ignore[assignment]

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # Raised again by the test's thread.
            self._failure = error
        finally:
            self._started.set()

    async def _main(self) -> None:
        await self._async_driver.start()
        self._started.set()
        await self._async_driver.run(self.watcher)
