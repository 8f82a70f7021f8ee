"""Masters behind https, looked for and talked to with a CA and a client certificate."""

from __future__ import annotations

import asyncio
import queue
import ssl
from pathlib import Path
from typing import Any

import pytest
from mesos_scheduler import DriverMisuse, Scheduler, Status, events
from mesos_scheduler.v1 import AsyncHttpSchedulerDriver, HttpOptions, HttpSchedulerDriver
from scheduler_v1_helpers import FRAMEWORK_ID, Call, framework
from scheduler_v1_master import WAIT, FakeMaster

CERTIFICATES = Path(__file__).parents[2] / "mesos-messenger" / "tests" / "data" / "tls"
CA = str(CERTIFICATES / "ca.crt")
PAIR = (str(CERTIFICATES / "peer.crt"), str(CERTIFICATES / "peer.key"))
QUICK = HttpOptions(connection_delay=0.0, backoff=0.01, backoff_max=0.05)


def context(purpose: ssl.Purpose) -> ssl.SSLContext:
    made = ssl.create_default_context(purpose, cafile=CA)
    made.load_cert_chain(*PAIR)
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def test_a_driver() -> None:
    told: queue.Queue[str] = queue.Queue()

    class Recorder(Scheduler):
        def registered(self, driver: Any, framework_id: Any, master_info: Any) -> None:
            told.put(framework_id.value)

    with FakeMaster(context(ssl.Purpose.CLIENT_AUTH)) as master:
        where = f"https://{master.address}"
        with HttpSchedulerDriver(
            Recorder(), framework(), where, verify=CA, cert=PAIR, options=QUICK
        ) as driver:
            master.next_stream().subscribe()
            assert told.get(timeout=WAIT) == FRAMEWORK_ID
            driver.revive_offers()
            assert master.next_call().type == Call.REVIVE
        assert driver.status is Status.STOPPED


def test_a_driver_under_asyncio() -> None:
    async def main(master: FakeMaster) -> None:
        where = f"https://{master.address}"
        async with AsyncHttpSchedulerDriver(
            framework(), where, ssl_context=context(ssl.Purpose.SERVER_AUTH), options=QUICK
        ) as driver:
            (await asyncio.to_thread(master.next_stream)).subscribe()
            assert isinstance(await driver.__anext__(), events.Registered)

    with FakeMaster(context(ssl.Purpose.CLIENT_AUTH)) as master:
        asyncio.run(asyncio.wait_for(main(master), 2 * WAIT))


def test_a_certificate_that_is_not_there() -> None:
    driver = HttpSchedulerDriver(Scheduler(), framework(), "https://127.0.0.1:1", verify="/no/such/file")
    with pytest.raises(DriverMisuse, match="/no/such/file"):
        driver.start()
