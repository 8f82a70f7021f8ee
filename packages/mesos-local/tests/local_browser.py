"""A headless Chromium for tests of pages, driven by its WebDriver over plain HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DEADLINE = 30.0
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1300,900",
]
_WAIT = """
const done = arguments[0];
const check = () => {
  let found = null;
  try { found = (%s); } catch (error) { found = null; }
  if (found) done(found); else setTimeout(check, 30);
};
check();
"""


class Browser:
    """One page of a browser."""

    def __init__(self, session: str, folder: Path) -> None:
        self._session = session
        self._folder = folder

    def call(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        """Give the value that a command of WebDriver answers with."""
        return _ask(f"{self._session}/{path}", body if body is not None else {}, method)

    def open(self, url: str) -> None:
        self.call("url", {"url": url})

    def run(self, script: str) -> Any:
        return self.call("execute/sync", {"script": script, "args": []})

    def until(self, expression: str) -> Any:
        """Wait until an expression of the page is true, and give its value."""
        script = _WAIT % expression
        try:
            return self.call("execute/async", {"script": script})
        except AssertionError as error:
            text = self.run("return document.body.innerText")
            raise AssertionError(f"{expression} did not come true: {error}; the page says: {text}") from None

    def shows(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.until(f"document.body.innerText.includes({json.dumps(text)})")

    def click(self, selector: str, text: str = "") -> None:
        """Click what a user would click: it has to be there, visible and not covered."""
        self.until(f"[...document.querySelectorAll({json.dumps(selector)})].some(e => {_has(text)})")
        found = self.run(
            f"return [...document.querySelectorAll({json.dumps(selector)})].find(e => {_has(text)})"
        )
        self.call(f"element/{found[_ELEMENT]}/click")

    def type(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def scheme(self, name: str) -> None:
        """Prefer `dark` or `light`."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        params = {"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}}
        self.call("goog/cdp/execute", params)

    def screenshot(self, name: str) -> None:
        image = self.call("screenshot", None, "GET")
        (self._folder / f"{name}.png").write_bytes(base64.b64decode(image))

    def complaints(self) -> list[str]:
        """Give what was written to the console since the last time."""
        return [entry["message"] for entry in self.call("se/log", {"type": "browser"})]


def _has(text: str) -> str:
    return f"e.textContent.trim() === {json.dumps(text)}" if text else "true"


def _ask(url: str, body: dict[str, Any], method: str = "POST") -> Any:
    if url.endswith(("execute/sync", "execute/async")):
        body = {"args": [], **body}
    data = json.dumps(body).encode() if method == "POST" else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=2 * DEADLINE) as response:
            return json.load(response)["value"]
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(json.load(error)["value"]["message"]) from None


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run a browser with an empty profile; screenshots go to `folder`."""
    program, chromium = _installed()
    options = {"binary": chromium, "args": [*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]}
    wanted = {
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
        "timeouts": {"script": int(DEADLINE * 1000), "pageLoad": int(DEADLINE * 1000)},
    }
    with subprocess.Popen([program, "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdout is not None
            port = next(
                found[1] for line in driver.stdout if (found := re.search(r"success.* on port (\d+)", line))
            )
            address = f"http://127.0.0.1:{port}/session"
            session = _ask(address, {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
            try:
                yield Browser(f"{address}/{session}", folder)
            finally:
                _ask(f"{address}/{session}", {}, "DELETE")
        finally:
            driver.terminate()


def _installed() -> tuple[str, str]:
    found = _find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        waiting = ["-o", "DPkg::Lock::Timeout=300", "-qy"]
        for command in (["update"], ["install", "--no-install-recommends", "chromium", "chromium-driver"]):
            subprocess.run(
                ["apt-get", *waiting, *command],
                check=False,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
        found = _find()
    if found is None:
        reason = "needs Chromium: apt-get install --no-install-recommends chromium chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _find() -> tuple[str, str] | None:
    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    return (driver, chromium) if driver and chromium else None
