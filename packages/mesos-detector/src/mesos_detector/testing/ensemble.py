"""A real ZooKeeper ensemble on loopback, whose servers can be killed, frozen and restarted.

    with ZooKeeperEnsemble(3) as ensemble:
        detect(ensemble.url("/mesos"))
        ensemble.kill(ensemble.leader_index())

Needs Java and Debian's `zookeeper` package (see `find_installation`). Ports are free ones, reserved for the
ensemble's life, so that a restarted server finds its own again.
"""

from __future__ import annotations

import atexit
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from mesos_detector.errors import DetectorError
from mesos_detector.testing.installation import Installation, find_installation

_JVM_FLAGS = (
    "-Xmx64m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.net.preferIPv4Stack=true",
    "-Djava.awt.headless=true",
)
_POLL = 0.05


class ZooKeeperEnsemble:
    """`size` ZooKeeper servers in processes of their own; `start` returns when all of them serve.

    `tick_time` (seconds) is ZooKeeper's unit: sessions last from two ticks to `max_session_timeout`
    seconds, as their clients ask for. Indexes of servers count from 0.
    """

    def __init__(self, size: int = 3, *, tick_time: float = 0.2, max_session_timeout: float = 60.0) -> None:
        self._tick = tick_time
        self._max_session = max_session_timeout
        self._installation: Installation | None = None
        self._directory: Path | None = None
        self._reserved: list[socket.socket] = []
        self._servers = [_Server(index) for index in range(size)]

    @property
    def hosts(self) -> str:
        """The servers as `host:port,host:port`."""
        return ",".join(f"127.0.0.1:{server.port}" for server in self._servers)

    def url(self, path: str = "/mesos", *, credential: str | None = None) -> str:
        """Return the `zk://` master string of a path, with `user:password` if given."""
        return f"zk://{credential + '@' if credential else ''}{self.hosts}{path}"

    def __len__(self) -> int:
        return len(self._servers)

    def __enter__(self) -> ZooKeeperEnsemble:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout: float = 60.0) -> None:
        """Start all servers and wait until each of them serves."""
        self._installation = find_installation()
        self._directory = Path(tempfile.mkdtemp(prefix="zookeeper-"))
        atexit.register(self.stop)
        try:
            for server in self._servers:
                server.port, server.peer_port, server.election_port = (self._reserve() for _ in range(3))
            for server in self._servers:
                self._configure(server)
                self._launch(server)
            self.wait_ready(timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill all servers and remove all they wrote."""
        atexit.unregister(self.stop)
        for server in self._servers:
            server.kill()
        for reserved in self._reserved:
            reserved.close()
        self._reserved.clear()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def kill(self, index: int) -> None:
        """Kill a server (SIGKILL)."""
        self._servers[index].kill()

    def freeze(self, index: int) -> None:
        """Stop a server's process (SIGSTOP): its connections stay, nothing is answered."""
        self._servers[index].send_signal(signal.SIGSTOP)

    def thaw(self, index: int) -> None:
        """Let a frozen server go on."""
        self._servers[index].send_signal(signal.SIGCONT)

    def restart(self, index: int) -> None:
        """Start a killed server again, with the data it had. It serves as soon as there is a majority."""
        self._launch(self._servers[index])

    def restore(self, timeout: float = 60.0) -> None:
        """Start every server that is down, let every frozen one go on, wait until all serve."""
        for index, server in enumerate(self._servers):
            if server.running:
                self.thaw(index)
            else:
                self.restart(index)
        self.wait_ready(timeout)

    def mode(self, index: int) -> str | None:
        """Return `leader`, `follower` or `standalone`; None while the server does not serve."""
        for line in self._ask(self._servers[index], b"srvr").splitlines():
            if line.startswith("Mode: "):
                return line.removeprefix("Mode: ").strip()
        return None

    def leader_index(self, timeout: float = 30.0) -> int:
        """Return which server leads the ensemble, waiting for one to be elected."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for index, server in enumerate(self._servers):
                if server.running and self.mode(index) in ("leader", "standalone"):
                    return index
            time.sleep(_POLL)
        raise DetectorError(f"the ensemble has elected no leader in {timeout:.0f} s{self._excuse()}")

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until every server that was started, and not killed, serves."""
        end = time.monotonic() + timeout
        waiting = [index for index, server in enumerate(self._servers) if server.process is not None]
        while waiting:
            waiting = [index for index in waiting if self.mode(index) is None]
            dead = [index for index in waiting if not self._servers[index].running]
            if dead or time.monotonic() > end:
                state = "ended" if dead else f"do not serve after {timeout:.0f} s"
                raise DetectorError(f"ZooKeeper servers {dead or waiting} {state}{self._excuse()}")
            if waiting:
                time.sleep(_POLL)

    def log(self, index: int) -> str:
        """Return what a server has logged so far."""
        return self._servers[index].log_path.read_text(encoding="utf-8", errors="replace")

    def _excuse(self) -> str:
        logs = (f"\n--- server {index}\n{self.log(index)[-2000:]}" for index in range(len(self._servers)))
        return "".join(logs) if self._directory is not None else ""

    def _reserve(self) -> int:
        # Bound, not listening, with SO_REUSEADDR: the server (which sets it, too) can still have the port,
        # nobody else is given it.
        reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        self._reserved.append(reserved)
        port: int = reserved.getsockname()[1]
        return port

    def _configure(self, server: _Server) -> None:
        assert self._directory is not None
        server.directory = self._directory / str(server.index)
        data = server.directory / "data"
        data.mkdir(parents=True)
        (data / "myid").write_text(str(server.index + 1))
        lines = [
            f"tickTime={int(self._tick * 1000)}",
            "initLimit=150",
            "syncLimit=50",
            f"maxSessionTimeout={int(self._max_session * 1000)}",
            "maxClientCnxns=0",
            "admin.enableServer=false",
            "4lw.commands.whitelist=*",
            f"dataDir={data}",
            "clientPortAddress=127.0.0.1",
            f"clientPort={server.port}",
        ]
        if len(self._servers) > 1:
            lines += [
                f"server.{peer.index + 1}=127.0.0.1:{peer.peer_port}:{peer.election_port}"
                for peer in self._servers
            ]
        (server.directory / "zoo.cfg").write_text("\n".join(lines) + "\n")

    def _launch(self, server: _Server) -> None:
        assert self._installation is not None, "start() comes first"
        if server.running:
            raise DetectorError(f"ZooKeeper server {server.index} runs already")
        command = [
            self._installation.java,
            *_JVM_FLAGS,
            "-cp",
            self._installation.class_path,
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            str(server.directory / "zoo.cfg"),
        ]
        with server.log_path.open("ab") as log:
            server.process = subprocess.Popen(
                command, cwd=server.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _ask(self, server: _Server, word: bytes) -> str:
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=2) as stream:
                stream.sendall(word)
                while part := stream.recv(4096):
                    answer += part
        except OSError:
            return ""
        return answer.decode("utf-8", "replace")


class _Server:
    """One server of an ensemble."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.port = self.peer_port = self.election_port = 0
        self.directory = Path()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log_path(self) -> Path:
        return self.directory / "server.log"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def send_signal(self, number: int) -> None:
        if self.process is None:
            raise DetectorError(f"ZooKeeper server {self.index} does not run")
        self.process.send_signal(number)
