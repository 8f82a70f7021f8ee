"""A framework for tests over the v1 HTTP API; all else is as with libprocess."""

from __future__ import annotations

from typing import Any

from mesos_auth import BasicAuth, Credential
from mesos_http import PROTOBUF, Codec
from mesos_scheduler.v1 import HttpOptions, HttpSchedulerDriver

from realmesos.framework import Framework


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
        self.driver = HttpSchedulerDriver(  # type: ignore[assignment]
            self.watcher,
            self.info,
            master,
            codec=codec,
            auth=None if credential is None else BasicAuth(credential),
            implicit_acknowledgements=implicit_acknowledgements,
            options=HttpOptions(reconcile=reconcile, connection_delay=0.1),
        )
