"""The cluster's page in a real browser: every view, a file that grows, thousands of tasks, the keyboard."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_browser import Browser, browser
from local_groups import running_pod
from local_scheduler import Recorder, command_task, running
from mesos_local import LocalCluster
from mesos_local._wire import TimerFired
from mesos_local.master import tasks
from mesos_messenger.http import Pipe, StreamingResponse
from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v1 import mesos_pb2 as v1

TAB, ENTER = "\ue004", "\ue007"
EVIL = "<img src=x onerror=alert(1)>"
SCRIPT = "javascript:alert(1)"
MANY = 5000
LIVE = "document.getElementById('link').textContent === 'live'"

pytestmark = pytest.mark.timeout(600)  # The first may have to install the browser.


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def nothing_to_complain(page: Browser) -> Iterator[None]:
    page.complaints()
    yield
    assert page.complaints() == []


def test_every_view_shows_what_is_there(cluster: LocalCluster, page: Browser) -> None:
    """Also with names that would be scripts in a page which believed them."""
    busy = Recorder(lambda offer: [command_task(offer, "exec sleep 1000", "busy", "cpus:1;mem:64")])
    failing = Recorder(lambda offer: [command_task(offer, "exit 3", EVIL.replace("/", ""))])
    with running(cluster, busy, name=EVIL, webui_url=SCRIPT), running(cluster, failing, name="failing"):
        busy.until("TASK_RUNNING")
        failing.until("TASK_FAILED")
        _open(page, cluster.web_url)
        page.shows("cpus 1 used, 3 free")
        page.shows("TASK_FAILED")
        assert page.run("return document.querySelectorAll('#view .bar meter').length") == 3
        _screenshots(page, "cluster")
        _tab(page, "Frameworks", EVIL)
        _screenshots(page, "frameworks")
        page.click("#view a", busy.framework_ids[0])
        page.shows(SCRIPT)
        assert page.run(f"return !document.querySelector('#view a[href^=\"{SCRIPT[:10]}\"]')")
        _screenshots(page, "framework")
        agent_id = cluster.master.session.state.agents.copy().popitem()[0]
        _tab(page, "Agents", agent_id)
        _screenshots(page, "agents")
        page.click("#view a", agent_id)
        page.shows("Attributes")
        _screenshots(page, "agent")
        _tab(page, "Offers", "ports 31000-31099")
        _screenshots(page, "offers")
        _tab(page, "Roles", EVIL)
        _screenshots(page, "roles")
        _tab(page, "Tasks", EVIL)
        _screenshots(page, "tasks")
        page.click("#view a[href^='#/task/']", EVIL)
        page.shows("Command exited with status 3")
        page.until("document.querySelectorAll('[aria-label=History] tbody tr').length >= 2")
        _screenshots(page, "task")
        assert page.run("return !document.querySelector('img')")
    _tab(page, "Frameworks", "completed")


def test_a_file_is_followed_as_it_grows(cluster: LocalCluster, page: Browser, tmp_path: Path) -> None:
    fifo = tmp_path / "input"
    os.mkfifo(fifo)
    command = f"mkdir inner; echo within > inner/note; exec cat {fifo}"
    recorder = Recorder(lambda offer: [command_task(offer, command, "writer")])
    with running(cluster, recorder), _writing(fifo) as pipe:
        recorder.until("TASK_RUNNING")
        pipe.write(b"".join(b"line %d\n" % number for number in range(20_000)))
        _open(page, cluster.web_url)
        _tab(page, "Tasks", "writer")
        page.click("#view tr:has(a[href*='/writer/']) a", "stdout")
        page.shows("line 19999")
        pipe.write("grün ".encode()[:3])
        page.until("document.getElementById('content').textContent.endsWith('gr\ufffd')")
        pipe.write("grün ".encode()[3:] + b"\xff\0 on\n")
        page.until("document.getElementById('content').textContent.endsWith('gr\u00fcn \ufffd\\0 on\\n')")
        page.until(
            "(e => e.scrollTop + e.clientHeight >= e.scrollHeight - 4)(document.getElementById('content'))"
        )
        page.scheme("dark")
        page.screenshot("sandbox-dark")
        page.scheme("light")
        assert not page.run("return document.getElementById('content').textContent.includes('line 0\\n')")
        for _ in range(3):
            page.until("!document.getElementById('earlier').disabled")
            page.click("#earlier")
            page.until("document.getElementById('content').textContent.length > 65536")
            if page.run("return document.getElementById('shown').textContent.startsWith('bytes 0 ')"):
                break
        page.until("document.getElementById('content').textContent.includes('line 0\\nline 1\\n')")
        page.click("#files button", "inner/")
        page.click("#files button", "note")
        page.until("document.getElementById('content').textContent === 'within\\n'")
        page.click("#up")
        page.until("document.getElementById('up').disabled")
        page.screenshot("sandbox-light")
        links = "[...document.querySelectorAll('#files a')].map(a => a.href)"
        assert any("stdout" in each for each in page.run(f"return {links}"))


def test_the_tasks_of_a_group_have_their_own_sandboxes(cluster: LocalCluster, page: Browser) -> None:
    with running_pod(cluster) as pod:
        pod.launch(
            first="echo I am the first; exec sleep 1000", second="echo I am the second; exec sleep 1000"
        )
        pod.recorder.until("TASK_RUNNING", "second")
        _open(page, cluster.web_url)
        _tab(page, "Tasks", "second")
        page.click("#view tr:has(a[href*='/second/']) a", "stdout")
        page.shows("I am the second")


def test_thousands_of_tasks_stay_usable(cluster: LocalCluster, page: Browser) -> None:
    recorder = Recorder()
    with running(cluster, recorder):
        recorder.wait(lambda: bool(recorder.framework_ids))
        _open(page, cluster.web_url)
        page.until(LIVE)
        _add_tasks(cluster, recorder.framework_ids[0])
        _tab(page, "Tasks", "1 to 100 of")
        page.until(f"document.getElementById('place').textContent.split(' of ')[1] >= {MANY}")
        rows = "document.querySelectorAll('#view tbody tr').length"
        assert page.run(f"return {rows}") == 100
        page.screenshot("many-tasks")
        page.click("#on")
        page.shows("101 to 200 of")
        page.click("#find")
        page.type(*"many-4321")
        page.until(f"{rows} === 1")
        page.shows("many-4321")
        took = page.run(
            "const begun = performance.now(); document.getElementById('find').value = '';"
            "document.getElementById('find').dispatchEvent(new Event('input'));"
            "return performance.now() - begun;"
        )
        assert took < 3000  # Some 20 ms on a quiet machine.
        _tab(page, "Cluster", "Latest tasks")
        assert page.run("return document.querySelectorAll('[aria-label=Tasks] tbody tr').length") == 20


def test_the_keyboard_is_enough(cluster: LocalCluster, page: Browser) -> None:
    _open(page, cluster.web_url)
    page.shows("Tasks by state")
    page.type(TAB)
    assert page.run("return document.activeElement.className") == "skip"
    page.type(TAB, TAB, ENTER)
    page.until("document.querySelector('h2')?.textContent === 'Frameworks'")
    _refreshed(page)
    assert page.run("return document.activeElement.textContent") == "Frameworks"
    page.type(TAB, TAB, ENTER)
    page.until("document.activeElement.textContent === 'Tasks' && !document.getElementById('choice').hidden")
    page.type(TAB, TAB, TAB)  # Over offers and roles.
    assert page.run("return document.activeElement.id") == "find"
    page.type(*"nothing like it")
    page.shows("No task is here.")
    _refreshed(page)
    assert page.run("return document.activeElement.value") == "nothing like it"


def test_it_comes_back_when_the_master_does(page: Browser) -> None:
    with LocalCluster() as own:
        _open(page, own.web_url)
        page.shows("Tasks by state")
        own.master.crash()
        page.shows("No answer (")
        page.shows("no event stream, asking every second")
        own.master.start()
        page.until(f"document.getElementById('problem').textContent === '' && {LIVE}")
        _tab(page, "Agents", own.agents[0].pid.rpartition(":")[2])
    # That nobody listened is what the browser writes there by itself, nothing else.
    assert all("net::ERR" in each for each in page.complaints())


def test_news_come_by_the_event_stream(cluster: LocalCluster, page: Browser) -> None:
    _open(page, cluster.web_url)
    page.until(LIVE)
    whole = "performance.getEntriesByType('resource').length"
    before = page.run(f"return {whole}")
    page.run("location.hash = '#/tasks'")
    recorder = Recorder(lambda offer: [_checked(command_task(offer, "exec sleep 1000", "watched"))])
    with running(cluster, recorder, name="newcomer"):
        recorder.until("TASK_RUNNING")
        page.until("document.querySelector('#view .TASK_RUNNING + .healthy')")
        page.shows("newcomer")
        page.click("#view a", "watched")
        page.until("document.querySelectorAll('[aria-label=History] tbody tr').length >= 2")
    page.shows("TASK_KILLED")
    assert page.run(f"return {whole} - {before}") < 60, "whole states are not asked for all the time"


def test_without_a_stream_it_asks_again_and_again(page: Browser) -> None:
    """As behind a proxy that keeps answers to itself until they are whole."""
    recorder = Recorder()
    with LocalCluster() as own:
        own.master._operator.calls.acts["SUBSCRIBE"] = lambda call, request: StreamingResponse(Pipe())
        _open(page, own.web_url)
        page.shows("agents active")
        assert not page.run(f"return {LIVE}")
        with running(own, recorder, name="late"):
            _tab(page, "Frameworks", "late")
        page.open("about:blank")


def test_a_tab_in_the_background_lets_go(cluster: LocalCluster, page: Browser) -> None:
    state = cluster.master.session.state
    _open(page, cluster.web_url)
    page.until(LIVE)
    first = page.call("window", None, "GET")
    page.call("window", {"handle": page.call("window/new", {"type": "tab"})["handle"]})
    try:
        assert cluster.master.shell.wait_until(lambda: not state.subscribers, 20)
    finally:
        page.call("window", None, "DELETE")
        page.call("window", {"handle": first})
    page.until(LIVE)


def _checked(task: v1.TaskInfo) -> v1.TaskInfo:
    check = task.health_check
    check.type, check.command.value = v1.HealthCheck.COMMAND, "true"
    check.delay_seconds, check.interval_seconds = 0, 0.2
    return task


def _screenshots(page: Browser, name: str) -> None:
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        page.screenshot(f"{name}-{scheme}")


def _open(page: Browser, url: str) -> None:
    page.open("about:blank")
    page.open(url)


def _tab(page: Browser, name: str, text: str) -> None:
    page.click("#views a", name)
    page.until(f"document.querySelector('#views a[aria-current]')?.textContent === '{name}'")
    page.shows(text)


def _refreshed(page: Browser) -> None:
    """Wait until the page has asked once more, and has drawn what it was told."""
    asked = "performance.getEntriesByType('resource').filter(e => e.name.endsWith('/api/v1')).length"
    before = page.run(f"return {asked}")
    page.run("dispatchEvent(new Event('hashchange'))")
    page.until(f"{asked} >= {before + 2}")


class _writing:
    """The open end of a pipe, once somebody reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _writing:
        # For reading too: opening it waits for nobody, and closing it ends the reader.
        self._file = os.open(self._path, os.O_RDWR)
        return self

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _add_tasks(cluster: LocalCluster, framework_id: str) -> None:
    """Let the master believe in many tasks."""
    state = cluster.master.session.state
    added = threading.Event()

    def add() -> None:
        resources = Resources.parse("cpus:0.1;mem:32")
        (agent_id,) = state.agents
        for number in range(MANY):
            proto = v0.Task(name=f"many-{number}", state=v0.TASK_RUNNING)
            proto.task_id.value = proto.name
            proto.framework_id.value = framework_id
            proto.slave_id.value = agent_id
            proto.resources.extend(resources.messages(version=0))
            proto.statuses.add(state=v0.TASK_RUNNING, timestamp=1.7e9 + number).task_id.value = proto.name
            tasks.record(state, state.frameworks[framework_id], state.agents[agent_id], proto, "*")
        cluster.master.shell.dispatch(TimerFired(("nothing",)))
        added.set()

    cluster.master.messenger.call_soon(add)
    assert added.wait(30)
