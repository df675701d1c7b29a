"""A browser that is signed in to a server of its own, for each module that asks for one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browsing import DESKTOP, Service, browser, open_context, open_project, sign_in


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """One browser for all tests."""
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server in a process of its own."""
    made = Service(tmp_path_factory.mktemp("web") / "data")
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def signed_in(chrome: Browser, service: Service) -> str:
    """The state of a browser that has signed in, as a file's path."""
    context = chrome.new_context(viewport=DESKTOP, locale="en-GB")
    page = context.new_page()
    sign_in(page, service)
    path = service.folder / "browser.json"
    context.storage_state(path=path)
    context.close()
    return str(path)


@pytest.fixture
def page(chrome: Browser, service: Service, signed_in: str) -> Iterator[Page]:
    """A fresh page of the first project; it must not have said anything to the console."""
    context = open_context(chrome, signed_in)
    made = context.new_page()
    said: list[str] = []
    made.on("pageerror", lambda error: said.append(str(error)))
    made.on("console", lambda message: said.append(message.text) if "Content Security" in message.text else None)
    open_project(made, service)
    yield made
    context.close()
    assert [] == said
