"""Finds the leading Mesos master: `host:port`, `zk://`, `file://`, `http://`."""

from mesos_detector._candidacy import Candidacy
from mesos_detector._delivery import Counts
from mesos_detector.address import (
    HostPort,
    HttpAddress,
    MasterAddress,
    StandaloneAddress,
    ZooKeeperAddress,
    parse_master,
    redact,
)
from mesos_detector.aio import AsyncDetector
from mesos_detector.contender import Contender
from mesos_detector.detector import Detector, detect
from mesos_detector.errors import (
    ContenderError,
    DetectionFailedError,
    DetectionTimeoutError,
    DetectorError,
    DetectorStoppedError,
    MalformedMasterError,
)
from mesos_detector.leader import Leader, leader_of, master_pid, master_url

__all__ = [
    "AsyncDetector",
    "Candidacy",
    "Contender",
    "ContenderError",
    "Counts",
    "DetectionFailedError",
    "DetectionTimeoutError",
    "Detector",
    "DetectorError",
    "DetectorStoppedError",
    "HostPort",
    "HttpAddress",
    "Leader",
    "MalformedMasterError",
    "MasterAddress",
    "StandaloneAddress",
    "ZooKeeperAddress",
    "detect",
    "leader_of",
    "master_pid",
    "master_url",
    "parse_master",
    "redact",
]
