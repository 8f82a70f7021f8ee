"""Rate limits, and offers revived within one."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_scheduler import DriverMisuse
from mesos_scheduler.commands import DeclineOffers, ReviveOffers, SuppressOffers
from mesos_scheduler.extras.handlers import intercept
from mesos_scheduler.extras.revive import RateLimit, ReviveLimiter, Waiting
from scheduler_extras_helpers import Clock, KeptCalls

ROLES = st.lists(st.sampled_from("abc"), max_size=3)


def limited(burst: int = 2, seconds: float = 1.0) -> tuple[KeptCalls, Clock, ReviveLimiter]:
    clock = Clock()
    limiter = ReviveLimiter(burst, seconds, clock=clock, timer=clock.timer)
    return intercept(KeptCalls(), limiter), clock, limiter


@settings(deadline=None, max_examples=200)
@given(
    burst=st.integers(1, 4),
    seconds=st.sampled_from([0.0, 0.125, 1.0, 7.5]),
    steps=st.lists(st.sampled_from([0.0, 0.03125, 0.125, 0.5, 2.0, 8.0]), max_size=40),
)
def test_no_stretch_has_more_than_the_burst(burst, seconds, steps):
    limit = RateLimit(burst, seconds)
    now = 0.0
    taken: list[float] = []
    for step in steps:  # All of them sums of powers of two, so that nothing is rounded.
        now += step
        until = limit.wait(now)
        assert limit.take(now) is (until == 0)
        if until == 0:
            taken.append(now)
        else:
            # It says when there will be one: not before, and then surely.
            assert 0 < until <= seconds
            assert sum(now + until - time < seconds for time in taken) < burst
            assert sum(now + until / 2 - time < seconds for time in taken) == burst
    for position, time in enumerate(taken):
        inside = [other for other in taken[: position + 1] if time - other < seconds]
        assert len(inside) <= burst


def test_a_limit_gives_what_it_has_at_once_and_then_one_at_a_time():
    limit = RateLimit(3, 6.0)
    assert [limit.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert limit.wait(12.0) == 4.0
    assert [limit.take(16.0) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("burst", "seconds"), [(0, 1.0), (-1, 1.0), (1, -1.0), (1, float("nan")), (1, float("inf"))]
)
def test_a_limit_that_cannot_be_meant(burst, seconds):
    with pytest.raises(DriverMisuse, match="rate limit"):
        RateLimit(burst, seconds)


def test_a_burst_passes_and_the_rest_becomes_one_call_when_there_is_a_token():
    driver, clock, _ = limited(burst=2, seconds=1.0)
    for _ in range(5):
        driver.revive_offers()
    assert driver.sent == [ReviveOffers([]), ReviveOffers([])]
    clock.move(0.9)
    assert len(driver.sent) == 2
    clock.move(0.2)
    assert driver.sent[2:] == [ReviveOffers([])]
    clock.move(60)
    assert len(driver.sent) == 3 and clock.timers == []


def test_roles_that_wait_are_sent_together():
    driver, clock, _ = limited(burst=1)
    driver.revive_offers(["x"])
    driver.revive_offers(["b"])
    driver.revive_offers(["a", "b"])
    clock.move(1)
    assert driver.sent == [ReviveOffers(["x"]), ReviveOffers(["a", "b"])]


def test_suppressing_cancels_what_waits():
    driver, clock, _ = limited(burst=1)
    driver.revive_offers()
    driver.revive_offers(["a", "b"])
    driver.suppress_offers(["a"])
    clock.move(1)
    assert driver.sent == [ReviveOffers([]), SuppressOffers(["a"]), ReviveOffers(["b"])]
    driver.revive_offers()
    driver.suppress_offers()
    clock.move(5)
    assert driver.sent[3:] == [SuppressOffers([])]


def test_roles_suppressed_while_every_role_waits_stay_suppressed():
    driver, clock, _ = limited(burst=1)
    driver.revive_offers()
    driver.revive_offers()
    driver.suppress_offers(["a"])
    clock.move(1)
    assert driver.sent[2:] == [ReviveOffers([]), SuppressOffers(["a"])]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.booleans(), ROLES), max_size=12), st.sets(st.sampled_from("abc")))
def test_what_is_sent_later_ends_like_what_was_asked(asked, before):
    """Of three roles, some of them suppressed, those end as asked that were asked for."""

    def after(calls, wanting):
        for revive, roles in calls:
            named = set(roles or "abc")
            wanting = wanting | named if revive else wanting - named
        return wanting

    waiting = Waiting()
    at_once = before
    for revive, roles in asked:
        (waiting.revive if revive else waiting.suppress)(roles)
        if not revive:
            at_once = after([(False, roles)], at_once)
    sent = [(isinstance(call, ReviveOffers), call.roles) for call in waiting.calls()]
    assert after(sent, at_once) == after(asked, before)
    assert len(sent) <= 2


def test_other_calls_pass():
    driver, _, _ = limited(burst=1)
    driver.revive_offers()
    driver.revive_offers()
    driver.decline_offer([])
    assert [type(call) for call in driver.sent] == [ReviveOffers, DeclineOffers]


def test_nothing_is_sent_by_a_driver_that_has_ended():
    driver, clock, _ = limited(burst=1)
    driver.revive_offers()
    driver.revive_offers()
    driver.end()
    clock.move(60)
    assert len(driver.sent) == 1 and clock.timers == []


def test_a_closed_limiter_forgets_what_waits_and_lets_calls_pass():
    driver, clock, limiter = limited(burst=1)
    with limiter:
        driver.revive_offers()
        driver.revive_offers(["a"])
    assert clock.timers == []
    for _ in range(3):
        driver.revive_offers()
    clock.move(60)
    assert driver.sent == [ReviveOffers([])] * 4
    limiter.close()


def test_a_call_that_is_refused_later_is_logged(caplog):
    driver, clock, _ = limited(burst=1)
    intercepted = driver.sent

    def refuse(event):
        if intercepted:
            raise DriverMisuse("no")
        intercepted.append(event)

    driver.post = refuse
    driver.revive_offers()
    driver.revive_offers()
    clock.move(1)
    assert "offers could not be revived" in caplog.text


def test_a_real_timer_sends_and_leaves_no_thread():
    driver = KeptCalls()
    sent = threading.Event()
    with ReviveLimiter(1, 0.05) as limiter:
        intercept(
            driver, limiter, lambda d, call, proceed: (proceed(d, call), len(driver.sent) == 2 and sent.set())
        )
        driver.revive_offers()
        driver.revive_offers()
        assert sent.wait(10)
        driver.revive_offers()
    for thread in threading.enumerate():
        if thread.name == "mesos-scheduler-revive":
            thread.join(10)
            assert not thread.is_alive()
