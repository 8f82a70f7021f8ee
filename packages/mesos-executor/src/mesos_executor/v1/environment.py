"""What an agent tells an executor about its v1 API, besides what it tells every executor.

Variables and their meaning are those of upstream's src/executor/executor.cpp. Two that it insists on have
the agent's own defaults here.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from mesos_http import RequestsTransport
from mesos_http.aio import H11Transport

from ..environment import ExecutorEnvironment, seconds
from ..errors import AgentEnvironmentError

DEFAULT_BACKOFF_MAX = 2.0
_LONGEST_SOCKET = 108
_TOKEN = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """The token an agent gave; makes the Authorization header."""

    token: str = field(repr=False)

    def authorization(self) -> str:
        """Return the header's value."""
        return f"Bearer {self.token}"


@dataclass(frozen=True, slots=True)
class HttpExecutorEnvironment:
    """`base` is what executors of both protocols are told. `url` is that of the API; `backoff_max` bounds, in
    seconds, the pause before a new attempt to subscribe; `auth` is None when the agent gave no token.
    `unix_socket` is the path of the socket that an agent of 1.10 or newer may serve the API on."""

    base: ExecutorEnvironment
    url: str
    backoff_max: float = DEFAULT_BACKOFF_MAX
    auth: TokenAuth | None = None
    unix_socket: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> HttpExecutorEnvironment:
        """Read the variables; raise `AgentEnvironmentError` as `ExecutorEnvironment` does.

        The token is taken out of the process's own environment, so that no task inherits it.
        """
        values = os.environ if environ is None else environ
        base = ExecutorEnvironment.from_environ(values)
        token = values.get(_TOKEN)
        if values is os.environ:
            os.environ.pop(_TOKEN, None)
        unix_socket = values.get("MESOS_DOMAIN_SOCKET") or None
        scheme = "http" if base.tls is None or unix_socket is not None else "https"
        agent = base.agent
        return cls(
            base,
            f"{scheme}://{agent.ip}:{agent.port}/{agent.id}/api/v1/executor",
            seconds(values, "MESOS_SUBSCRIPTION_BACKOFF_MAX", DEFAULT_BACKOFF_MAX),
            TokenAuth(token) if token else None,
            None if unix_socket is None else _short_path(unix_socket),
        )

    def transport(self) -> RequestsTransport:
        """Return a new transport to the agent, with the certificates that libprocess would use."""
        tls = self.base.tls
        if tls is None or self.unix_socket is not None:
            return RequestsTransport(unix_socket=self.unix_socket)
        verify: bool | str = False
        if tls.verify_server or tls.require_client:
            verify = str(tls.ca_file or tls.ca_dir or "") or True
        return RequestsTransport(verify=verify, cert=(str(tls.cert_file), str(tls.key_file)))

    def async_transport(self) -> H11Transport:
        """Return the same for asyncio."""
        tls = self.base.tls
        if tls is None or self.unix_socket is not None:
            return H11Transport(unix_socket=self.unix_socket)
        verify = tls.verify_server or tls.require_client
        cafile, capath = (str(path) if path is not None else None for path in (tls.ca_file, tls.ca_dir))
        context = ssl.create_default_context(cafile=cafile, capath=capath)
        context.check_hostname = verify
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        context.load_cert_chain(tls.cert_file, tls.key_file)
        return H11Transport(context)


def _short_path(path: str) -> str:
    """Return a path that fits into a socket's address; raise `AgentEnvironmentError` when there is none."""
    if len(path) >= _LONGEST_SOCKET:
        path = os.path.relpath(path)
    if len(path) >= _LONGEST_SOCKET:
        raise AgentEnvironmentError(
            f"MESOS_DOMAIN_SOCKET is {path!r}, and the path of a socket must be shorter than"
            f" {_LONGEST_SOCKET} characters: give the agent a shorter --domain_socket_location"
        )
    return path
