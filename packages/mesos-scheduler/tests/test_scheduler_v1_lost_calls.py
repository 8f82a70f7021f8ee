"""Calls that do not get through while the stream stays: what they were about is put right."""

from __future__ import annotations

import pytest
from mesos_http import BadRequest, ConnectionFailed, InternalError, MesosHttpError, TimedOut, Unavailable
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_scheduler import commands as v0
from mesos_scheduler.v1 import HttpOptions, commands
from mesos_scheduler.v1._connection import Phase
from scheduler_v1_helpers import Call, Driven, Kind, accept, framework, of, subscribed

OFFER = mesos.OfferID(value="O1")
UNHEARD = [ConnectionFailed("x"), TimedOut("x"), Unavailable(503, ""), InternalError(500, "")]


def one_call(driven: Driven) -> Call:
    (call,) = driven.calls()
    return call


def fail(driven: Driven, call: Call, failure: MesosHttpError) -> None:
    driven.do(commands.CallFailed(call, driven.attempt, failure))


def declined(driven: Driven) -> list[str]:
    return [each.value for c in driven.calls() if c.type == Call.DECLINE for each in c.decline.offer_ids]


@pytest.mark.parametrize("failure", [*UNHEARD, BadRequest(400, "no")])
def test_offers_of_a_launch_that_failed_are_given_back(failure: MesosHttpError) -> None:
    driven = Driven()
    driven.subscribe()
    driven.do(accept("t1"))
    fail(driven, one_call(driven), failure)
    assert declined(driven) == []
    driven.fire(Kind.DECLINE)
    assert declined(driven) == ["O1"]


@pytest.mark.parametrize("failure", UNHEARD)
def test_a_decline_is_repeated_with_growing_pauses_until_it_is_heard(failure: MesosHttpError) -> None:
    driven = Driven(options=HttpOptions(backoff=1.0, backoff_max=3.0))
    driven.subscribe()
    driven.do(v0.DeclineOffers([OFFER, mesos.OfferID(value="O2")], mesos.Filters()))
    pauses = []
    for _ in range(4):
        call = one_call(driven)
        assert [each.value for each in call.decline.offer_ids] == ["O1", "O2"]
        fail(driven, call, failure)
        pauses.append(driven.timers[Kind.DECLINE].seconds)
        driven.take()
        driven.fire(Kind.DECLINE)
    assert pauses == [1.0, 2.0, 3.0, 3.0]


def test_a_decline_that_the_master_will_not_have_is_not_repeated() -> None:
    driven = Driven()
    driven.subscribe()
    driven.do(v0.DeclineOffers([OFFER], mesos.Filters()))
    fail(driven, one_call(driven), BadRequest(400, "no"))
    assert Kind.DECLINE not in driven.timers


@pytest.mark.parametrize("failure", UNHEARD)
@pytest.mark.parametrize("call", [v0.ReviveOffers([]), v0.SuppressOffers([]), "update"])
def test_what_a_subscription_tells_anew_leads_to_one(
    call: v0.ReviveOffers | v0.SuppressOffers | str, failure: MesosHttpError
) -> None:
    driven = Driven(framework(roles=["a"]))
    driven.subscribe()
    info = framework(roles=["a", "b"], id={"value": driven.session.framework_id})
    driven.do(v0.UpdateFramework(info, ["b"], None) if isinstance(call, str) else call)
    fail(driven, one_call(driven), failure)
    assert driven.session.phase is Phase.PAUSING
    driven.open()
    (opened,) = of(commands.OpenStream, driven.take())
    suppressed = {"update": ["b"]}.get(str(call), ["a"] if isinstance(call, v0.SuppressOffers) else [])
    assert list(opened.call.subscribe.suppressed_roles) == suppressed
    assert len(opened.call.subscribe.framework_info.roles) == (2 if isinstance(call, str) else 1)


def test_a_new_stream_has_no_offers_to_give_back() -> None:
    driven = Driven()
    driven.subscribe()
    driven.do(v0.DeclineOffers([OFFER], mesos.Filters()))
    fail(driven, one_call(driven), TimedOut("x"))
    timer = driven.timers[Kind.DECLINE]
    driven.end()
    driven.open()
    driven.receive(subscribed())
    driven.take()
    driven.do(timer.fired)
    assert driven.calls() == []


def test_failures_of_an_earlier_stream_change_nothing() -> None:
    driven = Driven()
    driven.subscribe()
    driven.do(v0.ReviveOffers([]))
    call = one_call(driven)
    earlier = driven.attempt
    driven.end()
    driven.open()
    driven.receive(subscribed())
    driven.take()
    driven.do(commands.CallFailed(call, earlier, TimedOut("x")))
    assert driven.session.phase is Phase.CONNECTED and driven.take() == []
