"""A real browser for the web chat's tests: where it is found, how it is started, how a test signs in."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.e2e.forked import Forked
from tests.e2e.service import until
from tests.machine import find_chromium

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE: ViewportSize = {"width": 390, "height": 844}
FINAL = ".row[data-stage=final]"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield running
        running.close()


@dataclass
class Service:
    """A running server in a process of its own; it can be stopped and started again on the same port and folder."""

    folder: Path
    port: int = 0
    link: str = ""
    key: str = ""
    process: Forked | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-m", "tests.e2e.harness", str(self.folder), str(self.port)]
        told = self.folder.with_name(self.folder.name + ".told")
        told.unlink(missing_ok=True)
        self.process = process = Forked(command, os.environ, printed=told)

        def line() -> str:
            assert process.poll() is None, f"it ended by itself with {process.poll()}"
            text = told.read_text("utf-8") if told.exists() else ""
            return text if text.endswith("\n") else ""

        said: dict[str, Any] = json.loads(until(line, "the server listens"))
        self.port = int(said["address"].rpartition(":")[2])
        self.link, self.key = said["link"], said["key"]

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def sign_in(page: Page, service: Service) -> None:
    """Use the login link up."""
    page.goto(service.link)
    page.get_by_role("button").click()
    page.wait_for_selector(".person")
    page.wait_for_load_state("load")  # going on at once would abort what is still under way


def ask(page: Page, text: str) -> None:
    """Type a message and send it."""
    page.locator("#write").fill(text)
    page.locator("#write").press("Enter")


def open_context(chrome: Browser, state: str, **options: Any) -> BrowserContext:
    """A window of the signed-in browser; policies hold, so a violation shows in the console."""
    wanted: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-GB", "storage_state": state} | options
    made = chrome.new_context(**wanted)
    made.set_default_timeout(15_000)
    return made


def open_project(page: Page, service: Service, name: str = "handbook") -> None:
    """Open a project from the list."""
    page.goto(service.address)
    page.locator(".person", has_text=name).click()
    page.locator("#write").wait_for()


def count(page: Page, selector: str) -> int:
    """How many elements there are."""
    return page.locator(selector).count()
