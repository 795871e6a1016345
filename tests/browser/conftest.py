"""A real browser on a real installation: Debian's Chromium, and everything that `tulia up` starts."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

CHROMIUM = Path("/usr/bin/chromium")
NEEDS_A_MINUTE = 60.0


@dataclass(frozen=True)
class Running:
    """An installation with its demo shop, and how to sign in to it."""

    url: str
    email: str
    password: str


@dataclass
class Visitor:
    """One person's browser. `troubles` has what the console, the network and the pages complained about."""

    context: BrowserContext
    page: Page
    at: Running
    troubles: list[str] = field(default_factory=list)

    def sign_in(self) -> None:
        self.page.goto(self.at.url + "/")
        self.page.fill("#email", self.at.email)
        self.page.fill("#password", self.at.password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/campaigns")

    def complaints(self) -> list[str]:
        """Its troubles, without those of a request that leaving the page cut off."""
        if any(trouble.startswith("htmx:sendAbort") for trouble in self.troubles):
            return [one for one in self.troubles if not one.startswith(("htmx:sendAbort", "htmx:afterRequest"))]
        return self.troubles

    def tab_to(self, selector: str) -> None:
        """Presses Tab until this element has the focus, as somebody without a mouse does."""
        for _ in range(80):
            if self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} can't be reached with the Tab key")


Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """`tulia up` with the demo shop, on a free port and a data directory of its own; it ends with these tests, because
    its people would go on living beside all others: a campaign that one file leaves behind takes reach from the next."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TULIA_")}
    for ours in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE"):
        kept.pop(ours, None)
    with tempfile.TemporaryDirectory(prefix="tulia-browser-") as folder:
        Path(folder).chmod(0o755)  # so that the database's account gets in when the tests run as root
        printed = Path(folder) / "printed.txt"
        command = [sys.executable, "-m", "tulia.cli", "up", "--demo", "--port", "0", "--data-dir", f"{folder}/data"]
        with printed.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=kept)
        try:
            deadline = time.monotonic() + NEEDS_A_MINUTE
            while "API key" not in printed.read_text():
                assert process.poll() is None, printed.read_text()
                assert time.monotonic() < deadline, printed.read_text()
                time.sleep(0.1)
            said = re.search(r"runs at (\S+).*Sign in\s+(\S+)\s+password (\S+)", printed.read_text(), re.DOTALL)
            assert said is not None, printed.read_text()
            yield Running(said[1], said[2], said[3])
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed again when its module is done: while Playwright runs, its event loop is this thread's."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium at /usr/bin/chromium: `make browser` installs it")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # milliseconds; what comes after five seconds on a busy machine is as right
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--headless", "--no-proxy-server", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, running: Running) -> Iterator[Visit]:
    """Opens a browser of its own for one person. What it complains about fails the test at its end."""
    visitors: list[Visitor] = []

    def open_it(*, width: int = 1_280, height: int = 900, may_complain: bool = False, **options: Any) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        visitor = Visitor(context, context.new_page(), running)
        if not may_complain:
            visitors.append(visitor)

        def guard(route: Route) -> None:
            if urlsplit(route.request.url).hostname == "127.0.0.1":
                route.continue_()
            else:
                visitor.troubles.append(f"asks for {route.request.url}")
                route.abort()

        context.route("**/*", guard)
        visitor.page.on("pageerror", lambda error: visitor.troubles.append(str(error)))
        visitor.page.on(
            "console",
            lambda said: visitor.troubles.append(said.text) if said.type in ("error", "warning") else None,
        )
        opened.append(context)
        return visitor

    opened: list[BrowserContext] = []
    yield open_it
    for context in opened:
        context.close()
    assert [trouble for visitor in visitors for trouble in visitor.complaints()] == []
