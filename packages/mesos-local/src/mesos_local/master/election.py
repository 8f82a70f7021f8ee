"""A master's place in the election that is held in ZooKeeper: one contender at a time, and a detector."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from mesos_detector import Candidacy, Contender, ContenderError, Leader, detect
from mesos_proto.v0 import mesos_pb2 as mesos

from ..errors import ClusterError
from .session import CandidacyLost, LeaderDetected

__all__ = ["Election"]

log = logging.getLogger("mesos.local.master")


class Election:
    """Stands for election, and tells (`post`, from threads of its own) what becomes of that and who leads."""

    def __init__(
        self,
        zk: str,
        info: mesos.MasterInfo,
        *,
        session_timeout: float,
        post: Callable[[LeaderDetected | CandidacyLost], None],
    ) -> None:
        self._zk = zk
        self._info = info
        self._session_timeout = session_timeout
        self._post = post
        self._lock = threading.Lock()
        self._over = False
        self._detector = detect(zk, session_timeout=session_timeout)
        self._contender: Contender | None = None

    def start(self) -> None:
        """Begin to watch, and to contend."""
        self.contend()
        self._detector.watch(
            self._detected, on_failure=lambda error: self._post(CandidacyLost(str(error), final=True))
        )

    def contend(self) -> None:
        """Stand for election, after another candidacy when there was one."""
        with self._lock:
            if self._over:
                return
            # The candidacy is asked how it stands only after it was started.
            contender = Contender(
                self._zk,
                self._info,
                session_timeout=self._session_timeout,
                on_lost=lambda reason: self._post(
                    CandidacyLost(reason, final=contender.state is Candidacy.FAILED)
                ),
            )
            ended, self._contender = self._contender, contender
            contender.start()
        if ended is not None:
            threading.Thread(target=ended.withdraw, name="mesos-local-withdraw", daemon=True).start()

    def _detected(self, leader: Leader | None) -> None:
        self._post(LeaderDetected(None if leader is None else leader.info))

    def expire(self, timeout: float = 10.0) -> None:
        """Have ZooKeeper end the session of the candidacy. Raises ClusterError when it does not answer."""
        with self._lock:
            contender = self._contender
        if contender is not None:
            try:
                contender.expire(timeout)
            except ContenderError as error:
                raise ClusterError(str(error)) from error

    def stop(self) -> None:
        """Step down."""
        self._end(Contender.withdraw)

    def abandon(self) -> None:
        """End as a killed process does: ZooKeeper takes its time to notice."""
        self._end(Contender.abandon)

    def _end(self, end: Callable[[Contender], None]) -> None:
        with self._lock:
            first, self._over = not self._over, True
        if first:
            if self._contender is not None:
                end(self._contender)
            self._detector.stop()
