"""The v1 scheduler API without a driver: calls as they are, events as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType

from mesos_http import PROTOBUF, Authorization, Codec, EventStream, Settings, Transport
from mesos_http import Client as HttpClient
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler

from ..errors import DriverMisuse
from . import calls

PATH = "/api/v1/scheduler"


class Subscription:
    """The events of one subscription; iterate, and `close` from any thread. `stream_id` goes with calls."""

    def __init__(self, stream: EventStream[scheduler.Event]) -> None:
        self._stream = stream
        self.stream_id = stream.stream_id

    def batch(self) -> list[scheduler.Event]:
        """Return the events that have arrived, waiting for at least one; empty at the end."""
        return self._stream.batch()

    def __iter__(self) -> Iterator[scheduler.Event]:
        return iter(self._stream)

    def close(self) -> None:
        """End the subscription; the framework stays for its `failover_timeout`."""
        self._stream.close()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Client:
    """Speaks to `url`, such as `http://host:5050`, or the whole `http://host:5050/api/v1/scheduler`.

    Does what it is told and nothing more: no reconnection, no acknowledgements. Errors are those of
    mesos-http, each with what to do next. The methods may be called by several threads at once.
    """

    def __init__(
        self,
        url: str,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: Transport | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._http = HttpClient(api_url(url), codec=codec, auth=auth, transport=transport, settings=settings)

    @property
    def url(self) -> str:
        """Where requests go now: the address given, or the leader it named."""
        return self._http.url

    def subscribe(
        self,
        framework_info: mesos.FrameworkInfo,
        suppressed_roles: Iterable[str] = (),
        offer_constraints: scheduler.OfferConstraints | None = None,
    ) -> Subscription:
        """Subscribe; return once the master has taken it. The first event is SUBSCRIBED or ERROR."""
        call = calls.subscribe(framework_info, suppressed_roles, offer_constraints)
        return self.open(call)

    def open(self, call: scheduler.Call) -> Subscription:
        """Send a SUBSCRIBE made elsewhere."""
        return Subscription(self._http.stream(call, scheduler.Event))

    def call(self, call: scheduler.Call, stream_id: str | None) -> None:
        """Send any call but SUBSCRIBE; return once the master has taken it, which is all that it says."""
        check_call(call)
        self._http.call(call, stream_id=stream_id)

    def close(self) -> None:
        """End every call and subscription, those of other threads at once."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_call(call: scheduler.Call) -> None:
    """Raise `DriverMisuse` for SUBSCRIBE, and for UNKNOWN, of which a master dies when the framework is
    subscribed."""
    if call.type in (scheduler.Call.UNKNOWN, scheduler.Call.SUBSCRIBE):
        raise DriverMisuse(f"{scheduler.Call.Type.Name(call.type)} is not for call(): use subscribe()")


def api_url(url: str) -> str:
    """Return the URL of the scheduler API of a master, of which the path may be left out."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return url if slash and path else f"{scheme}://{host}{PATH}"
