"""The way to the master: registration, its repetition, loss, authentication, signs of life."""

from __future__ import annotations

import pytest
from mesos_messenger import UPID
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import SessionOptions, Status, commands, events
from mesos_scheduler._connection import PROBE_TASK_ID, Phase
from scheduler_helpers import (
    FRAMEWORK_ID,
    MASTER,
    OTHER_MASTER,
    Driven,
    calls,
    framework,
    master_info,
    registered,
    reregistered,
    sent,
    told,
    update,
)

Kind = commands.TimerKind
Call = v0_scheduler.Call


def error(text: str) -> internal.FrameworkErrorMessage:
    return internal.FrameworkErrorMessage(message=text)


def test_first_registration_names_no_id() -> None:
    driven = Driven(suppressed_roles=["b", "a"])
    driven.detect()
    result = driven.take()
    assert isinstance(result[0], commands.Link) and result[0].upid == MASTER
    (call,) = calls(result)
    assert call.type == Call.SUBSCRIBE
    assert not call.HasField("framework_id") and not call.subscribe.HasField("force")
    assert call.subscribe.framework_info.name == "test"
    assert list(call.subscribe.suppressed_roles) == ["a", "b"]
    assert call.subscribe.HasField("offer_constraints")
    (event,) = told(driven.receive(registered()))
    assert isinstance(event, events.Registered) and event.framework_id.value == FRAMEWORK_ID
    assert driven.session.phase is Phase.CONNECTED


def test_an_id_of_the_users_takes_over_by_force_until_registered() -> None:
    driven = Driven(framework(id=v1.FrameworkID(value=FRAMEWORK_ID)))
    driven.detect()
    (call,) = calls(driven.take())
    assert call.subscribe.force and call.framework_id.value == FRAMEWORK_ID
    result = driven.receive(registered())
    assert [type(event) for event in told(result)] == [events.Registered]
    driven.do(commands.MasterDetected(OTHER_MASTER, master_info()))
    (call,) = calls(driven.take())[-1:]
    assert call.type == Call.SUBSCRIBE and not call.subscribe.force
    assert call.framework_id.value == FRAMEWORK_ID


def test_registration_is_repeated_with_a_growing_bound() -> None:
    driven = Driven(framework(failover_timeout=0.0))
    driven.detect()
    delays = []
    for _ in range(8):
        delays.append(driven.timers[Kind.REGISTRATION].seconds)
        assert calls(driven.fire(Kind.REGISTRATION))[0].type == Call.SUBSCRIBE
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_the_failover_timeout_bounds_the_delay() -> None:
    driven = Driven(framework(failover_timeout=5.0))
    driven.detect()
    assert driven.timers[Kind.REGISTRATION].seconds == 0.25
    driven.fire(Kind.REGISTRATION)
    assert driven.timers[Kind.REGISTRATION].seconds == 0.25


def test_no_repetition_after_registration() -> None:
    driven = Driven()
    driven.detect()
    timer = driven.timers[Kind.REGISTRATION]
    driven.receive(registered())
    assert driven.do(timer.fired) == []


def test_a_second_answer_is_ignored() -> None:
    driven = Driven().connect()
    assert driven.receive(registered(), reregistered()) == []


def test_answers_of_others_are_dropped() -> None:
    driven = Driven()
    driven.detect()
    assert told(driven.receive(registered(), sender=OTHER_MASTER)) == []
    assert driven.session.dropped["FrameworkRegisteredMessage: not from the leading master"] == 1
    assert driven.session.phase is Phase.REGISTERING


def test_another_id_in_the_answer_ends_the_driver() -> None:
    driven = Driven(framework(id=v1.FrameworkID(value="mine")))
    driven.detect()
    result = driven.receive(registered("theirs"))
    (ended,) = [command for command in result if isinstance(command, commands.Ended)]
    assert ended.status is Status.ABORTED and "theirs" in (ended.reason or "")


def test_an_answer_without_an_id_is_none() -> None:
    driven = Driven()
    driven.detect()
    driven.take()
    assert driven.receive(registered("")) == []
    assert driven.session.phase is Phase.REGISTERING


def test_no_master_tells_the_user_once_connected() -> None:
    driven = Driven().connect()
    assert told(driven.do(commands.MasterDetected(None))) == [events.Disconnected()]
    assert driven.do(commands.MasterDetected(None)) == []
    assert driven.session.phase is Phase.DETECTING


def test_news_about_the_same_master_change_nothing() -> None:
    driven = Driven().connect()
    assert driven.do(commands.MasterDetected(MASTER, master_info())) == []
    assert driven.do(commands.MasterDetected(MASTER, None)) == []


def test_a_successor_at_the_same_address_is_another_master() -> None:
    driven = Driven().connect()
    result = driven.do(commands.MasterDetected(MASTER, master_info(identifier="m2")))
    assert told(result) == [events.Disconnected()]
    assert calls(result)[0].type == Call.SUBSCRIBE


def test_a_lost_link_leads_to_a_new_one_and_subscribe_without_force() -> None:
    driven = Driven(framework(id=v1.FrameworkID(value=FRAMEWORK_ID))).connect()
    result = driven.do(commands.LinkBroken(driven.links[-1].number))
    assert told(result) == [events.Disconnected()]
    assert driven.links[-1].reconnect
    (call,) = calls(result)
    assert call.type == Call.SUBSCRIBE and not call.subscribe.force
    (event,) = told(driven.receive(reregistered()))
    assert isinstance(event, events.Reregistered)


def test_an_old_link_means_nothing() -> None:
    driven = Driven().connect()
    old = driven.links[-1].number
    driven.do(commands.LinkBroken(old))
    driven.take()
    assert driven.do(commands.LinkBroken(old)) == []


def test_a_refused_connection_is_tried_again_with_the_next_registration() -> None:
    driven = Driven()
    driven.detect()
    assert driven.do(commands.LinkBroken(driven.links[-1].number)) == []
    result = driven.fire(Kind.REGISTRATION)
    assert isinstance(result[0], commands.Link) and result[0].reconnect
    assert calls(result)[0].type == Call.SUBSCRIBE


def test_framework_disconnected_is_not_the_end() -> None:
    driven = Driven().connect()
    result = driven.receive(error("Framework disconnected"))
    assert told(result) == [events.Disconnected()]
    assert calls(result)[0].type == Call.SUBSCRIBE
    # A second one, while registering, changes nothing.
    assert driven.receive(error("Framework disconnected")) == []


@pytest.mark.parametrize("text", ["Framework failed over", "Framework has been removed", "whatever"])
def test_other_errors_abort(text: str) -> None:
    driven = Driven().connect()
    result = driven.receive(error(text))
    assert isinstance(sent(result)[0], internal.DeactivateFrameworkMessage)
    assert commands.Ended(Status.ABORTED, text) in result
    assert (commands.ForgetFramework() in result) == (text == "Framework has been removed")
    assert driven.session.status is Status.ABORTED
    assert driven.receive(update()) == []


def test_an_error_from_elsewhere_is_dropped() -> None:
    driven = Driven().connect()
    assert driven.receive(error("Framework failed over"), sender=OTHER_MASTER) == []
    assert driven.session.status is Status.RUNNING


def test_the_same_id_is_remembered_once() -> None:
    driven = Driven()
    driven.detect()
    assert commands.RememberFramework(FRAMEWORK_ID) in driven.receive(registered())
    driven.do(commands.MasterDetected(OTHER_MASTER, master_info()))
    result = driven.receive(registered(), sender=OTHER_MASTER)
    assert commands.RememberFramework(FRAMEWORK_ID) not in result
    assert [type(event) for event in told(result)] == [events.Registered]


# Authentication.


def authenticating() -> Driven:
    driven = Driven(options=SessionOptions(authenticate=True))
    driven.detect()
    return driven


def attempt(driven: Driven) -> int:
    found = [command for command in driven.take() if isinstance(command, commands.Authenticate)]
    return found[-1].attempt


def test_authentication_comes_before_registration() -> None:
    driven = authenticating()
    assert calls(driven.commands) == []
    number = attempt(driven)
    result = driven.do(commands.AuthenticationSettled(number, commands.Verdict.ACCEPTED))
    assert calls(result)[0].type == Call.SUBSCRIBE


def test_a_refusal_ends_the_driver() -> None:
    driven = authenticating()
    verdict = commands.AuthenticationSettled(attempt(driven), commands.Verdict.REFUSED, "no")
    (ended,) = [command for command in driven.do(verdict) if isinstance(command, commands.Ended)]
    assert ended.reason == "Master refused authentication: no"


def test_a_time_limit_leads_to_another_attempt_with_more_time() -> None:
    driven = authenticating()
    limits = []
    for _ in range(6):
        limits.append(driven.timers[Kind.AUTHENTICATION].seconds)
        attempt(driven)
        assert commands.CancelAuthentication() in driven.fire(Kind.AUTHENTICATION)
    # [5, 7], [5, 9], [5, 13], ... up to [5, 60]; half of it each time.
    assert limits == [6.0, 7.0, 9.0, 13.0, 21.0, 32.5]


def test_a_failure_leads_to_another_attempt_after_a_pause() -> None:
    driven = authenticating()
    driven.do(commands.AuthenticationSettled(attempt(driven), commands.Verdict.FAILED, "?"))
    assert driven.timers[Kind.AUTHENTICATION].seconds == 2.0
    assert not any(isinstance(command, commands.Authenticate) for command in driven.take())
    driven.fire(Kind.AUTHENTICATION)
    assert attempt(driven) == 3


def test_the_verdict_on_an_old_attempt_means_nothing() -> None:
    driven = authenticating()
    number = attempt(driven)
    driven.do(commands.MasterDetected(OTHER_MASTER, master_info()))
    assert driven.do(commands.AuthenticationSettled(number, commands.Verdict.ACCEPTED)) == []
    assert attempt(driven) > number


def test_a_master_that_forgot_the_authentication_gets_another() -> None:
    driven = authenticating()
    driven.do(commands.AuthenticationSettled(attempt(driven), commands.Verdict.ACCEPTED))
    driven.receive(registered())
    result = driven.receive(error("Framework at scheduler-1@10.0.0.8:1 is not authenticated"))
    assert told(result) == [events.Disconnected()]
    assert driven.session.phase is Phase.AUTHENTICATING
    assert not any(isinstance(command, commands.Authenticate) for command in driven.take())
    driven.fire(Kind.AUTHENTICATION)
    driven.do(commands.AuthenticationSettled(attempt(driven), commands.Verdict.ACCEPTED))
    assert [type(event) for event in told(driven.receive(reregistered()))] == [events.Reregistered]


def test_without_a_credential_that_is_the_end() -> None:
    driven = Driven()
    driven.detect()
    driven.receive(error("Framework at scheduler-1@10.0.0.8:1 is not authenticated"))
    assert driven.session.status is Status.ABORTED


# Signs of life.


def test_silence_is_probed_and_an_answer_is_enough() -> None:
    driven = Driven(options=SessionOptions(silence=100.0, probe_timeout=10.0)).connect()
    (call,) = calls(driven.fire(Kind.SILENCE))
    assert [task.task_id.value for task in call.reconcile.tasks] == [PROBE_TASK_ID]
    driven.now += 1
    assert told(driven.receive(update(PROBE_TASK_ID, uuid=b""))) == []
    driven.now += 9
    assert driven.do(driven.timers[Kind.PROBE].fired)[0] == driven.timers[Kind.SILENCE]
    assert driven.session.phase is Phase.CONNECTED


def test_no_answer_to_a_probe_leads_to_another_detection() -> None:
    driven = Driven(options=SessionOptions(silence=100.0, probe_timeout=10.0)).connect()
    driven.fire(Kind.SILENCE)
    result = driven.fire(Kind.PROBE)
    assert commands.Redetect() in result
    assert told(result) == [events.Disconnected()]
    assert calls(result)[-1].type == Call.SUBSCRIBE


def test_a_talking_master_is_not_probed() -> None:
    driven = Driven(options=SessionOptions(silence=100.0)).connect()
    driven.now += 60
    driven.receive(update())
    driven.now += 40
    driven.do(driven.timers[Kind.SILENCE].fired)
    assert driven.timers[Kind.SILENCE].seconds == 60.0


def test_while_congested_silence_means_nothing() -> None:
    driven = Driven(options=SessionOptions(silence=100.0, probe_timeout=10.0)).connect()
    driven.do(commands.Congested(True))
    assert calls(driven.fire(Kind.SILENCE)) == []
    driven.do(commands.Congested(False))
    assert calls(driven.fire(Kind.SILENCE))


# The end.


def test_stop_ends_the_framework() -> None:
    driven = Driven().connect()
    result = driven.do(commands.Stop(failover=False))
    assert calls(result)[0].type == Call.TEARDOWN
    assert result[-3:] == [commands.CancelAuthentication(), commands.Ended(Status.STOPPED), commands.Close()]
    assert commands.ForgetFramework() in result


def test_stop_for_failover_sends_nothing() -> None:
    driven = Driven().connect()
    result = driven.do(commands.Stop(failover=True))
    assert sent(result) == [] and commands.ForgetFramework() not in result
    assert result[-1] == commands.Close()


def test_stop_after_abort_still_ends_the_framework() -> None:
    driven = Driven().connect()
    assert isinstance(sent(driven.do(commands.Abort()))[0], internal.DeactivateFrameworkMessage)
    result = driven.do(commands.Stop(failover=False))
    assert calls(result)[0].type == Call.TEARDOWN
    assert driven.session.status is Status.STOPPED
    assert driven.do(commands.Stop(failover=False)) == []


def test_stop_after_another_instance_took_over_leaves_the_framework_alone() -> None:
    driven = Driven().connect()
    driven.receive(error("Framework failed over"))
    assert driven.do(commands.Stop(failover=False)) == [commands.Ended(Status.STOPPED), commands.Close()]


def test_stop_while_disconnected_keeps_the_id() -> None:
    driven = Driven().connect()
    driven.do(commands.MasterDetected(None))
    result = driven.do(commands.Stop(failover=False))
    assert sent(result) == [] and commands.ForgetFramework() not in result


def test_abort_before_registration_sends_nothing() -> None:
    driven = Driven()
    driven.detect()
    driven.take()
    assert sent(driven.do(commands.Abort())) == []
    assert driven.do(driven.timers[Kind.REGISTRATION].fired) == []


def test_a_failed_detector_ends_the_driver() -> None:
    driven = Driven()
    driven.do(commands.Start())
    (ended,) = [c for c in driven.do(commands.DetectionFailed("gone")) if isinstance(c, commands.Ended)]
    assert ended.status is Status.ABORTED and "gone" in (ended.reason or "")


def test_everything_after_the_end_is_ignored() -> None:
    driven = Driven().connect()
    driven.do(commands.Stop(failover=True))
    assert driven.do(commands.MasterDetected(UPID("master", "10.0.0.7", 1), None)) == []
    assert driven.receive(update()) == []
    assert driven.do(commands.ReviveOffers(())) == []
    assert driven.do(commands.Abort()) == []
