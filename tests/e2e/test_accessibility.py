"""The web chat for everybody: keyboard, zoom, direction of text, no scripts, and what axe-core finds."""

from pathlib import Path
from typing import Any, Literal

import axe_core_python
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import (
    DESKTOP,
    FINAL,
    PHONE,
    Service,
    ask,
    count,
    open_context,
    open_project,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe-core finds."""
    found = page.evaluate("tags => window.axe.run(document, {runOnly: tags})", TAGS)
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found["violations"]]


def axe_page(chrome: Browser, state: str, **options: Any) -> Page:
    """A page into which axe can be put: the policy of the page would keep it out, as it should."""
    return open_context(chrome, state, bypass_csp=True, **options).new_page()


def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    """From the skip link to the send button, in the order of reading."""
    ask(page, "What holds the data folder?")
    page.locator(f"{FINAL} [data-action=up]").last.wait_for()
    page.locator("body").evaluate("element => { element.tabIndex = -1; element.focus(); }")
    reached = []
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className.split(' ')[0]"))
        if reached[-1] == "round" and "write" in reached:
            break

    order = [name for name in ("skip", "person", "scroll", "cite", "act", "write") if name in reached]
    assert ["skip", "person", "scroll", "cite", "act", "write"] == order
    assert sorted(order, key=reached.index) == order


def test_at_double_size_nothing_is_cut_off(chrome: Browser, service: Service, signed_in: str) -> None:
    """200 % zoom of a desktop is half its width: one column, no sideways scrolling."""
    context = open_context(chrome, signed_in, viewport={"width": 640, "height": 400}, device_scale_factor=2)
    page = context.new_page()
    open_project(page, service)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#write")).to_be_in_viewport()
    context.close()


def test_text_from_right_to_left_stands_right(page: Page) -> None:
    """Each text finds its own direction."""
    ask(page, "ما هذا المشروع؟ wait")
    body = page.locator(".row.mine .body").last
    expect(body).to_contain_text("المشروع")

    expect(body).to_have_css("direction", "rtl")  # waits: the row is drawn anew when the server has it


def test_without_scripts_one_can_still_ask(chrome: Browser, service: Service, signed_in: str) -> None:
    """The page is plain HTML: a form sends, links open sources."""
    context = open_context(chrome, signed_in, java_script_enabled=False)
    page = context.new_page()
    open_project(page, service)
    before = count(page, ".mine")
    page.locator("#write").fill("asked by a plain form")
    page.locator(".send").click()

    expect(page.locator(".mine")).to_have_count(before + 1)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_axe_finds_nothing(
    chrome: Browser, service: Service, signed_in: str, size: str, scheme: Literal["light", "dark"]
) -> None:
    """Sign-in, list, conversation with sources open, panel: no violation of WCAG A and AA, in both themes."""
    viewport = PHONE if size == "phone" else DESKTOP
    page = axe_page(chrome, signed_in, viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    open_project(page, service)
    ask(page, "show code")
    page.locator(f"{FINAL} summary").last.click()
    page.add_script_tag(content=AXE)
    found["chat"] = violations(page)
    page.locator(f"{FINAL} a.cite").last.click()
    page.locator("#viewer").wait_for()
    if size == "phone":
        page.add_script_tag(content=AXE)
    found["viewer"] = violations(page)
    stranger = chrome.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True).new_page()
    stranger.goto(service.address)
    stranger.add_script_tag(content=AXE)
    found["stranger"] = violations(stranger)
    page.context.close()
    stranger.context.close()

    assert {"chat": [], "viewer": [], "stranger": []} == found
