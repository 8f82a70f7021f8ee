"""The detector a user holds: callbacks, waiting, iteration, asyncio, stopping."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time

import pytest
from detector_helpers import DEADLINE, News, master_info, wait_for
from mesos_detector import (
    AsyncDetector,
    DetectionFailedError,
    DetectionTimeoutError,
    Detector,
    DetectorError,
    DetectorStoppedError,
    Leader,
    leader_of,
    parse_master,
)
from mesos_detector._delivery import Delivery
from mesos_detector._source import Count, Publish


class Still:
    """A source that finds nothing by itself."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def refresh(self) -> None:
        self.calls.append("refresh")

    def stop(self) -> None:
        self.calls.append("stop")


def still() -> tuple[Detector, Delivery, Still]:
    delivery, source = Delivery("test"), Still()
    return Detector(parse_master("localhost:5050"), source, delivery), delivery, source


def found(number: int) -> Publish:
    info = master_info(number)
    return Publish(leader_of(info), (info,))


def pid(leader: Leader | None) -> str | None:
    return leader and leader.pid


def detector_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mesos-detector")]


def test_watch_tells_what_is_known_and_what_changes() -> None:
    detector, delivery, _ = still()
    with detector:
        early: News[Leader | None] = News()
        detector.watch(early)
        delivery.publish(found(1))
        assert pid(early.next()) == "master@127.0.0.1:5051"
        late: News[Leader | None] = News()
        detector.watch(late)
        assert pid(late.next()) == "master@127.0.0.1:5051"
        delivery.publish(Publish(None, ()))
        assert early.next() is None and late.next() is None
        delivery.publish(Publish(None, ()))
        delivery.publish(found(2))
        assert pid(early.next()) == "master@127.0.0.1:5052"


def test_masters_are_all_shown_as_copies() -> None:
    detector, delivery, _ = still()
    with detector:
        news: News[object] = News()
        detector.watch_masters(news)
        delivery.publish(Publish(leader_of(master_info(1)), (master_info(1), master_info(2))))
        assert news.next() == (master_info(1), master_info(2))
        detector.masters[0].id = "changed"
        assert detector.masters == (master_info(1), master_info(2))


def test_callbacks_run_on_one_thread_of_the_detectors() -> None:
    detector, delivery, _ = still()
    with detector:
        names: News[str] = News()
        detector.watch(lambda _: names(threading.current_thread().name))
        detector.watch(lambda _: names(threading.current_thread().name))
        delivery.publish(found(1))
        assert {names.next(), names.next()} == {"mesos-detector"}


def test_slow_callback_is_told_the_newest_and_does_not_hold_up_detection() -> None:
    detector, delivery, _ = still()
    entered, go_on = threading.Event(), threading.Event()
    news: News[Leader | None] = News()

    def slow(leader: Leader | None) -> None:
        news(leader)
        entered.set()
        go_on.wait(DEADLINE)

    with detector:
        detector.watch(slow)
        delivery.publish(found(1))
        assert entered.wait(DEADLINE)
        for number in range(2, 100):
            delivery.publish(found(number))
        assert detector.leader(timeout=DEADLINE).pid == "master@127.0.0.1:5149"
        go_on.set()
        assert pid(news.next()) == "master@127.0.0.1:5051"
        assert pid(news.next()) == "master@127.0.0.1:5149"
    assert news.empty()


def test_callback_that_raises_is_logged_and_the_next_are_made(caplog: pytest.LogCaptureFixture) -> None:
    detector, delivery, _ = still()
    news: News[Leader | None] = News()

    def broken(leader: Leader | None) -> None:
        raise RuntimeError("of the user's")

    with detector, caplog.at_level(logging.ERROR, "mesos.detector"):
        detector.watch(broken)
        detector.watch(news)
        delivery.publish(found(1))
        news.next()
        delivery.publish(Publish(None, ()))
        news.next()
    assert detector.counts.failed_callbacks == 2
    assert "of the user's" in caplog.text


def test_no_callback_after_stop() -> None:
    for _ in range(50):
        detector, delivery, _ = still()
        stopped = threading.Event()
        late: list[Leader | None] = []

        def watch(
            leader: Leader | None, stopped: threading.Event = stopped, late: list[Leader | None] = late
        ) -> None:
            if stopped.is_set():
                late.append(leader)

        detector.watch(watch)
        publisher = threading.Thread(
            target=lambda delivery=delivery: [delivery.publish(found(n % 5)) for n in range(100)]  # type: ignore[misc]
        )
        publisher.start()
        detector.stop()
        stopped.set()
        publisher.join()
        assert late == []
    assert detector_threads() == []


def test_stop_waits_for_the_callback_that_runs() -> None:
    detector, delivery, _ = still()
    entered, finished = threading.Event(), threading.Event()

    def slow(leader: Leader | None) -> None:
        entered.set()
        time.sleep(0.2)
        finished.set()

    detector.watch(slow)
    delivery.publish(found(1))
    assert entered.wait(DEADLINE)
    detector.stop()
    assert finished.is_set()


def test_stop_gives_up_on_a_callback_that_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    detector, delivery, _ = still()
    entered, go_on = threading.Event(), threading.Event()

    def stuck(leader: Leader | None) -> None:
        entered.set()
        go_on.wait(DEADLINE)

    detector.watch(stuck)
    delivery.publish(found(1))
    assert entered.wait(DEADLINE)
    detector.stop(timeout=0.05)
    assert "still runs" in caplog.text
    go_on.set()
    detector.stop()
    assert detector_threads() == []


def test_stop_within_a_callback() -> None:
    detector, delivery, source = still()
    done = threading.Event()

    def stopper(leader: Leader | None) -> None:
        detector.stop()
        done.set()

    detector.watch(stopper)
    delivery.publish(found(1))
    assert done.wait(DEADLINE)
    detector.stop()
    assert source.calls == ["start", "stop"]
    wait_for(lambda: detector_threads() == [])


def test_stop_wakes_everybody_who_waits() -> None:
    detector, _, _ = still()
    outcomes: News[object] = News()

    def wait() -> None:
        try:
            detector.leader()
        except DetectorStoppedError as error:
            outcomes(error)

    def iterate() -> None:
        with contextlib.suppress(DetectorStoppedError):  # Where the stop comes before the beginning.
            outcomes(list(detector))

    threads = [threading.Thread(target=wait), threading.Thread(target=iterate)]
    detector.watch(lambda leader: None)
    for thread in threads:
        thread.start()
    detector.stop()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_use_after_stop_is_an_error_and_stop_may_be_repeated() -> None:
    detector, _, source = still()
    detector.stop()
    detector.stop()
    for use in (
        detector.leader,
        lambda: detector.watch(print),
        lambda: next(iter(detector)),
        lambda: detector.masters,
    ):
        with pytest.raises(DetectorStoppedError):
            use()  # type: ignore[operator]
    detector.refresh()
    assert source.calls == []


def test_nothing_starts_before_the_first_use() -> None:
    detector, _, source = still()
    assert source.calls == []
    assert detector_threads() == []
    detector.stop()


def test_leader_in_time_or_the_reason_why_not() -> None:
    detector, delivery, _ = still()
    with detector:
        delivery.problem("the sky is falling")
        with pytest.raises(DetectionTimeoutError, match="the sky is falling"):
            detector.leader(timeout=0)
        with pytest.raises(TimeoutError):
            detector.leader(timeout=0.01)
        delivery.publish(found(1))
        assert detector.leader(timeout=0).pid == "master@127.0.0.1:5051"


def test_what_is_counted_is_said_at_a_bounded_rate(caplog: pytest.LogCaptureFixture) -> None:
    _, delivery, _ = still()
    for number in range(1000):
        delivery.count(Count("malformed_nodes", f"the node {number} is skipped"))
    assert delivery.counts().malformed_nodes == 1000
    assert 1 <= len(caplog.records) < 100


def test_failure_for_good_reaches_everybody() -> None:
    detector, delivery, _ = still()
    with detector:
        failures: News[DetectorError] = News()
        leaders: News[Leader | None] = News()
        detector.watch(leaders, on_failure=failures)
        delivery.publish(found(1))
        delivery.publish(Publish(None, ()))
        delivery.fail(DetectionFailedError("refused"))
        assert str(failures.next()) == "refused"
        with pytest.raises(DetectionFailedError, match="refused"):
            detector.leader()
        with pytest.raises(DetectionFailedError, match="refused"):
            for _ in detector:
                pass
        delivery.publish(found(2))
        assert detector.problem == "refused"
        late: News[DetectorError] = News()
        detector.watch(leaders, on_failure=late)
        assert str(late.next()) == "refused"


def test_iteration_yields_changes_until_stop() -> None:
    detector, delivery, _ = still()
    detector.watch(lambda leader: None)
    delivery.publish(found(1))
    seen = []
    for leader in detector:
        seen.append(pid(leader))
        if len(seen) == 1:
            delivery.publish(Publish(None, ()))
        elif len(seen) == 2:
            delivery.publish(found(2))
        else:
            detector.stop()
    assert seen == ["master@127.0.0.1:5051", None, "master@127.0.0.1:5052"]


def test_asyncio_form() -> None:
    async def run() -> list[str | None]:
        detector, delivery, _ = still()
        seen: list[str | None] = []
        async with AsyncDetector(detector) as following:
            with pytest.raises(DetectionTimeoutError):
                await following.leader(timeout=0.01)
            delivery.publish(found(1))
            seen.append((await following.leader(timeout=DEADLINE)).pid)
            async for leader in following:
                seen.append(pid(leader))
                if leader is None:
                    break
                delivery.publish(Publish(None, ()))
        with pytest.raises(DetectorStoppedError):
            await following.leader()
        return seen

    assert asyncio.run(run()) == ["master@127.0.0.1:5051", "master@127.0.0.1:5051", None]
    assert detector_threads() == []


def test_asyncio_form_raises_what_ends_detection_and_wakes_at_stop() -> None:
    async def run() -> None:
        detector, delivery, _ = still()
        async with AsyncDetector(detector) as following:
            waiting = asyncio.ensure_future(following.leader())
            await asyncio.sleep(0)
            delivery.fail(DetectionFailedError("refused"))
            with pytest.raises(DetectionFailedError, match="refused"):
                await waiting
        detector, _, _ = still()
        following = AsyncDetector(detector)
        waiting = asyncio.ensure_future(following.leader())
        await asyncio.sleep(0)
        await following.stop()
        with pytest.raises(DetectorStoppedError):
            await waiting

    asyncio.run(run())
