"""JupyterLab on this machine, and a browser's page on one of its notebooks."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 90  # seconds; generous, since no test here measures speed
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
HERE = re.compile(r"^((https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:|file:)")
ROLES = {
    *("button", "slider", "radio", "radiogroup", "checkbox", "switch", "combobox", "listbox"),
    *("textbox", "spinbutton", "tab", "img", "image", "figure", "link"),
}
SETTINGS = {  # no news, no update checks, every output drawn although it is out of sight
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/extensionmanager-extension/plugin": {"enabled": False},
}
READY = """() => window.jupyterapp && window.jupyterapp.shell.currentWidget
    && window.jupyterapp.shell.currentWidget.sessionContext"""
KERNEL_ANSWERS = """async () => {
    const session = window.jupyterapp.shell.currentWidget.sessionContext;
    await session.ready;
    await session.session.kernel.info;
}"""
TRACES = """(box) => {
    const isRow = (v) => ArrayBuffer.isView(v) || Array.isArray(v);
    const plain = (v) => v == null ? null : Array.from(v, (w) => isRow(w) ? plain(w) : w);
    return Array.from(box.querySelectorAll('.js-plotly-plot'), (plot) => ({
        title: plot.querySelector('.gtitle')?.textContent ?? '',
        traces: (plot._fullData ?? []).map((t) => (
            {type: t.type, name: t.name, x: plain(t.x), y: plain(t.y), z: plain(t.z)})),
    }));
}"""
WATCH_KEYS = """(plot) => {
    if (!plot.__keys) {
        document.addEventListener('keydown', () => plot.__keys.push(performance.now()), true);
        plot.on('plotly_afterplot', () => plot.__draws.push(performance.now()));
    }
    plot.__keys = []; plot.__draws = [];
}"""


class Lab:
    """A JupyterLab server of its own, in an empty folder and with empty settings."""

    def __init__(self, folder: Path) -> None:
        self.root, self._token = folder / "work", secrets.token_hex(16)
        self.root.mkdir()
        for name, values in SETTINGS.items():
            file = folder / "settings" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        self._port, self._log = _free_port(), folder / "server.log"
        self._process = self._start(folder)
        _poll(self._answers, f"JupyterLab did not start: see {self._log}")

    def url(self, name: str) -> str:
        """The address at which JupyterLab opens a notebook."""
        return f"http://127.0.0.1:{self._port}/lab/tree/{name}?reset&token={self._token}"

    def stop(self) -> None:
        """End the server, which ends its kernels."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _start(self, folder: Path) -> subprocess.Popen[bytes]:
        kinds = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
        own = {f"JUPYTER_{kind}_DIR": str(folder / name) for kind, name in kinds.items()} | {
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        options = [
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self._port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self._token}",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.terminals_enabled=False",
            "--LabApp.extension_manager=readonly",
            "--LabApp.expose_app_in_browser=True",
        ]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [*command, *options],
                cwd=self.root,
                env={**os.environ, **own},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended at once:\n{self._log.read_text()[-3000:]}")
        address = f"http://127.0.0.1:{self._port}/api/status?token={self._token}"
        try:
            urllib.request.urlopen(address, timeout=2).read()
        except OSError:
            return False
        return True


class Opened:
    """A notebook that is open in a page, all its cells run; wraps Playwright's page.

    `page` is Playwright's own, for everything that is not here.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.outside: set[str] = set()
        self.console: list[str] = []
        page.route(lambda url: not HERE.match(url), lambda route: route.abort())
        page.on("request", lambda request: self._note(request.url))
        page.on("websocket", lambda socket: self._note(socket.url))
        page.on("pageerror", lambda error: self.console.append(str(error)[:300]))

    def _note(self, url: str) -> None:
        if not HERE.match(url):
            self.outside.add(url[:200])

    def open(self, url: str) -> None:
        """Open a notebook and run all its cells."""
        self.arrive(url)
        self.command("notebook:run-all-cells")

    def arrive(self, url: str) -> None:
        """Open a notebook and wait until its kernel answers.

        JupyterLab looks idle before its kernel is there; run then, it asks for a kernel instead.
        """
        self.page.goto(url, wait_until="domcontentloaded")
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=PATIENCE * 1000)
        self.page.wait_for_function(READY, timeout=PATIENCE * 1000)
        self.page.evaluate(KERNEL_ANSWERS)

    def command(self, name: str, **arguments: Any) -> Any:
        """Run one of JupyterLab's commands, and wait until it is done."""
        both = [name, arguments]
        return self.page.evaluate("([n, a]) => window.jupyterapp.commands.execute(n, a)", both)

    def close(self) -> None:
        """End the kernel, if there is one, and close the page with all that belongs to it."""
        self.page.evaluate("() => window.jupyterapp?.shell.currentWidget.sessionContext.shutdown()")
        self.page.context.close()

    def named(self, role: str, name: str) -> Any:
        """The element that a screen reader announces so; there must be just one."""
        found = self.page.get_by_role(role, name=name, exact=True)
        found.first.wait_for(state="attached", timeout=PATIENCE * 1000)
        assert found.count() == 1, f"{found.count()} elements are a {role} named {name!r}"
        return found

    def press(self, control: Any, key: str, *, times: int = 1) -> None:
        """Focus a control and press a key."""
        control.focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def figures(self, box: Any = None) -> list[dict[str, Any]]:
        """Title and data of the plots in `box` (the page), as they are drawn."""
        figures: list[dict[str, Any]] = (box or self.page.locator("body")).evaluate(TRACES)
        return figures

    def wait_for_change(self, read: Callable[[], T], before: T) -> T:
        """Read until it is no longer `before`, and return what it is then."""
        _poll(lambda: read() != before, f"nothing changed from {before!r}"[:500])
        return read()

    def milliseconds_to_draw(self, control: Any, plot: Any, key: str, *, times: int) -> list[float]:
        """From each key press to the next time that `plot` was drawn; one press at a time."""
        plot.evaluate(WATCH_KEYS)
        control.focus()
        for count in range(1, times + 1):
            drawn = plot.evaluate("(p) => p.__draws.length")
            self.page.keyboard.press(key)
            _poll(partial(plot.evaluate, "(p, n) => p.__draws.length > n", drawn), "not drawn")
            assert plot.evaluate("(p) => p.__keys.length") == count
        keys, draws = plot.evaluate("(p) => [p.__keys, p.__draws]")
        return [min(draw for draw in draws if draw > press) - press for press in keys]

    def complaints(self) -> list[str]:
        """All that a reader would stumble over: failed cells, dialogs, errors of the page."""
        bad = ["application/vnd.jupyter.error", "application/vnd.jupyter.stderr"]
        found = [f"a dialog is open: {text}" for text in self._texts(".jp-Dialog")]
        for mime in bad:
            found += [text[:300] for text in self._texts(f"[data-mime-type='{mime}']")]
        found += [f"asked for {url}" for url in sorted(self.outside)]
        return found + self.console

    def _texts(self, selector: str) -> list[str]:
        texts: list[str] = self.page.locator(selector).all_inner_texts()
        return texts

    def nameless(self) -> list[str]:
        """Controls and pictures in outputs that a screen reader could not name."""
        tools = self.page.context.new_cdp_session(self.page)
        for domain in ("DOM", "Accessibility"):
            tools.send(f"{domain}.enable")
        found = []
        for index in range(self.page.locator(".jp-OutputArea-output").count()):
            element = f"document.querySelectorAll('.jp-OutputArea-output')[{index}]"
            handle = tools.send("Runtime.evaluate", {"expression": element})["result"]["objectId"]
            for node in _nameless(tools.send("Accessibility.queryAXTree", {"objectId": handle})):
                where = {"backendNodeId": node["backendDOMNodeId"]}
                source = tools.send("DOM.getOuterHTML", where)["outerHTML"]
                found.append(f"{node['role']['value']} in output {index}: {source[:200]}")
        tools.detach()
        return found

    def shoot(self, name: str) -> None:
        """Save a picture of the page to FUSIONLAB_SHOTS, if that names a folder."""
        if folder := os.environ.get("FUSIONLAB_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))


def _nameless(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """Nodes of the accessibility tree that need a name and have none; icons on buttons do not."""
    nodes = {node["nodeId"]: node for node in tree["nodes"]}
    silent = [n for n in nodes.values() if _role(n) in ROLES and not n.get("ignored")]
    silent = [n for n in silent if not n.get("name", {}).get("value", "").strip()]
    return [n for n in silent if not (_role(n) in ("img", "image") and _on_button(n, nodes))]


def _role(node: dict[str, Any]) -> str:
    return str(node.get("role", {}).get("value", ""))


def _on_button(node: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> bool:
    while node := nodes.get(node.get("parentId", ""), {}):
        if _role(node) in ("button", "link"):
            return True
    return False


def find_chromium() -> str | None:
    """The system's Chromium or Chrome; if CHROMIUM is set, only what it names."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [*map(shutil.which, names), mac]
    return next((path for path in found if path and Path(path).exists()), None)


def _poll(done: Callable[[], bool], complaint: str) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(complaint)
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
