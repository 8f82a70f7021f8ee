"""Authentication for Mesos: SASL CRAM-MD5 over libprocess, both sides; HTTP Basic and bearer tokens."""

from mesos_auth._exchange import Begin, Cancelled, Done, Link, PeerLost, Received, Send, TimedOut
from mesos_auth.attempts import AttemptTimeouts
from mesos_auth.authenticatee import Authenticatee, AuthenticateeState
from mesos_auth.authenticator import AuthenticatorSession, AuthenticatorState
from mesos_auth.client import Authentication, authenticate
from mesos_auth.credential import Credential, credential_from_environ, load_credential, load_credentials
from mesos_auth.errors import (
    AuthenticationCancelledError,
    AuthenticationError,
    AuthenticationFailedError,
    AuthenticationRefusedError,
    AuthenticationTimeoutError,
    AuthError,
    CredentialError,
    MechanismError,
)
from mesos_auth.http import BasicAuth, BearerAuth, HttpAuth
from mesos_auth.login import (
    AttemptFailed,
    AttemptReceived,
    AttemptTimer,
    Login,
    OpenAttempt,
    SetAttemptTimer,
)
from mesos_auth.mechanism import ClientMechanism, Mechanisms, ServerMechanism
from mesos_auth.server import AuthenticationResult, Authenticator

__all__ = [
    "AttemptFailed",
    "AttemptReceived",
    "AttemptTimeouts",
    "AttemptTimer",
    "AuthError",
    "Authenticatee",
    "AuthenticateeState",
    "Authentication",
    "AuthenticationCancelledError",
    "AuthenticationError",
    "AuthenticationFailedError",
    "AuthenticationRefusedError",
    "AuthenticationResult",
    "AuthenticationTimeoutError",
    "Authenticator",
    "AuthenticatorSession",
    "AuthenticatorState",
    "BasicAuth",
    "BearerAuth",
    "Begin",
    "Cancelled",
    "ClientMechanism",
    "Credential",
    "CredentialError",
    "Done",
    "HttpAuth",
    "Link",
    "Login",
    "MechanismError",
    "Mechanisms",
    "OpenAttempt",
    "PeerLost",
    "Received",
    "Send",
    "ServerMechanism",
    "SetAttemptTimer",
    "TimedOut",
    "authenticate",
    "credential_from_environ",
    "load_credential",
    "load_credentials",
]
