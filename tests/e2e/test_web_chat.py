"""The web chat in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import axe_core_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.browsing import DESKTOP, PHONE, Service, ask, browser, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FINAL = ".row[data-stage=final]"


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


def open_context(chrome: Browser, state: str, **options: Any) -> BrowserContext:
    """A window of the signed-in browser; policies hold, so a violation shows in the console."""
    wanted: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-GB", "storage_state": state} | options
    made = chrome.new_context(**wanted)
    made.set_default_timeout(15_000)
    return made


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


def open_project(page: Page, service: Service, name: str = "handbook") -> None:
    """Open a project from the list."""
    page.goto(service.address)
    page.locator(".person", has_text=name).click()
    page.locator("#write").wait_for()


def violations(page: Page) -> list[str]:
    """What axe-core finds."""
    found = page.evaluate("tags => window.axe.run(document, {runOnly: tags})", TAGS)
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found["violations"]]


def axe_page(chrome: Browser, state: str, **options: Any) -> Page:
    """A page into which axe can be put: the policy of the page would keep it out, as it should."""
    return open_context(chrome, state, bypass_csp=True, **options).new_page()


def count(page: Page, selector: str) -> int:
    """How many elements there are."""
    return page.locator(selector).count()


def test_a_question_gets_a_cited_answer(page: Page) -> None:
    """Enter sends, the bubble stands at once, the answer comes with chips, sources and thumbs."""
    before = count(page, FINAL)
    ask(page, "What holds the data folder?")
    answer = page.locator(FINAL).nth(before)

    expect(answer.locator("a.cite").first).to_have_text("1")
    expect(answer.locator("summary")).to_have_text("Sources (2)")
    expect(page.locator("#write")).to_have_value("")
    expect(page.locator(".mine .tick").last).to_have_attribute("data-state", "answered")


def test_an_answer_grows_while_it_is_written(page: Page) -> None:
    """Previews show before the final text, and readers hear whole sentences."""
    before = count(page, FINAL)
    ask(page, "slow please")
    page.locator(".row[data-stage=preview]").wait_for()
    page.locator(FINAL).nth(before).wait_for()

    expect(page.locator("#live")).to_contain_text("It is freed when that process dies")
    spoken = page.locator("#live p").all_inner_texts()
    assert all(re.search(r"[.:!?]$", line.strip()) for line in spoken), spoken


def test_shift_enter_makes_a_new_line(page: Page) -> None:
    """Nothing is sent by it."""
    before = count(page, ".mine")
    page.locator("#write").fill("one")
    page.locator("#write").press("Shift+Enter")
    page.locator("#write").type("two")

    expect(page.locator("#write")).to_have_value("one\ntwo")
    assert before == count(page, ".mine")


def test_a_draft_waits_for_its_return(page: Page, service: Service) -> None:
    """Drafts are kept for each project."""
    page.locator("#write").fill("half a thought")
    open_project(page, service, "roomwise")
    expect(page.locator("#write")).to_have_value("")
    open_project(page, service)

    expect(page.locator("#write")).to_have_value("half a thought")
    page.locator("#write").fill("")


def test_cited_lines_open_beside_the_chat(page: Page) -> None:
    """The panel shows the lines, Escape closes it, and the focus goes back to the chip."""
    before = count(page, FINAL)
    ask(page, "What holds the data folder?")
    page.locator(FINAL).nth(before).wait_for()
    chip = page.locator(f"{FINAL} a.cite[data-cite='1']").last
    chip.click()
    expect(page.locator("#panel tr.cited")).to_have_count(5)
    expect(page.locator("#panel h2")).to_have_text("bot/platform.py")
    page.keyboard.press("Escape")

    expect(page.locator("#panel")).to_be_hidden()
    expect(chip).to_be_focused()


def test_a_reload_loses_and_doubles_nothing(page: Page) -> None:
    """In the middle of an answer."""
    before = count(page, ".mine"), count(page, FINAL)
    ask(page, "slow and reload")
    page.locator(".row[data-stage=preview]").wait_for()
    page.reload()
    page.locator(FINAL).nth(before[1]).wait_for()

    assert (before[0] + 1, before[1] + 1) == (count(page, ".mine"), count(page, FINAL))


def test_what_is_typed_offline_is_sent_once_later(page: Page) -> None:
    """It shows as waiting, survives a reload, and goes out by itself."""
    before = count(page, ".mine")
    page.context.set_offline(True)
    ask(page, "typed in a tunnel")
    row = page.locator(".row.mine", has_text="typed in a tunnel")
    expect(row).to_have_attribute("data-stage", "pending")
    expect(page.locator("#offline")).to_be_visible()
    page.context.set_offline(False)

    expect(row).to_have_attribute("data-stage", "sent")
    expect(row.locator(".tick")).to_have_attribute("data-state", "answered")
    page.reload()
    assert before + 1 == count(page, ".mine")


def test_a_restart_of_the_server_is_bridged(chrome: Browser, tmp_path: Path) -> None:
    """Killed between two messages: the page says so, sends the second when it is back, and hears the answer."""
    own = Service(tmp_path / "data")
    own.start()
    context = chrome.new_context(viewport=DESKTOP, locale="en-GB")
    page = context.new_page()
    sign_in(page, own)
    open_project(page, own)
    ask(page, "first")
    page.locator(FINAL).first.wait_for()
    own.kill()
    expect(page.locator("#offline")).to_be_visible(timeout=20_000)
    ask(page, "second")
    own.start()

    page.locator(FINAL).nth(1).wait_for(timeout=40_000)
    expect(page.locator("#offline")).to_be_hidden()
    assert 2 == count(page, ".mine")
    context.close()
    own.kill()


def test_a_page_that_was_signed_out_elsewhere_says_so(chrome: Browser, tmp_path: Path) -> None:
    """At once while it is connected; after a pause when it connects again. It does not try for ever."""
    own = Service(tmp_path / "data")
    own.start()
    context = chrome.new_context(viewport=DESKTOP, locale="en-GB")
    page, other, asleep = context.new_page(), context.new_page(), context.new_page()
    sign_in(page, own)
    for one in (page, other, asleep):
        open_project(one, own)
    own.kill()
    expect(asleep.locator("#offline")).to_contain_text("Connection lost")
    own.start()
    expect(page.locator("#offline")).to_be_hidden(timeout=20_000)
    other.locator(".menu summary").click()
    other.get_by_role("button", name="Sign out").click()

    expect(other.get_by_role("heading", name="This is Roomwise")).to_be_visible()
    for one in (page, asleep):
        expect(one.locator("#offline")).to_contain_text("You are signed out", timeout=20_000)
    context.close()
    own.kill()


def test_an_answer_to_a_message_from_further_up_is_in_view(page: Page) -> None:
    """Who writes while reading old messages sees the answer; nothing counts as missed."""
    for _ in range(4):
        before = count(page, FINAL)
        ask(page, "show code")
        page.locator(FINAL).nth(before).wait_for()
    page.locator("#scroll").evaluate("element => { element.scrollTop = 0; }")
    expect(page.locator("#down")).to_be_visible()
    before = count(page, FINAL)
    ask(page, "What holds the data folder?")

    expect(page.locator(FINAL).nth(before).locator(".body")).to_be_in_viewport()
    expect(page.locator("#down")).to_be_hidden()


def test_the_list_on_a_phone_shows_what_is_new(chrome: Browser, service: Service, signed_in: str) -> None:
    """When one comes back to it."""
    context = open_context(chrome, signed_in, viewport=PHONE)
    page, other = context.new_page(), context.new_page()
    page.goto(service.address)
    open_project(other, service)
    ask(other, "what is new?")
    other.locator(".row.mine", has_text="what is new?").locator("[data-state=answered]").wait_for()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator(".person", has_text="handbook").locator(".last")).to_contain_text("The data folder")
    context.close()


def test_a_thumb_stays_pressed(page: Page) -> None:
    """One vote: the other thumb takes its place."""
    before = count(page, FINAL)
    ask(page, "What holds the data folder?")
    page.locator(FINAL).nth(before).wait_for()
    up = page.locator(f"{FINAL} [data-action=up]").last
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    page.locator(f"{FINAL} [data-action=down]").last.click()

    expect(up).to_have_attribute("aria-pressed", "false")


def test_a_file_goes_with_a_message(page: Page) -> None:
    """Chosen, uploaded, sent; name and size stand in the message."""
    page.locator("#files").set_input_files({"name": "runbook.md", "mimeType": "text/markdown", "buffer": b"x" * 7_000})
    expect(page.locator("#attached .file small")).to_have_text("7 kB")
    ask(page, "see the file")

    expect(page.locator(".row.mine .tick").last).to_have_attribute("data-state", "answered")
    expect(page.locator(".row.mine .files").last).to_contain_text("runbook.md")
    expect(page.locator(".row.mine .files small").last).to_have_text("7 kB")
    expect(page.locator("#attached .file")).to_have_count(0)


def test_colours_can_be_chosen_and_stay(page: Page) -> None:
    """The choice holds after a reload."""
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Dark colours").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


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


def test_a_phone_goes_from_the_list_to_the_chat_and_back(chrome: Browser, service: Service, signed_in: str) -> None:
    """One column; the source is a page of its own."""
    context = open_context(chrome, signed_in, viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(service.address)
    expect(page.locator(".chat")).to_be_hidden()
    page.locator(".person", has_text="handbook").tap()
    ask(page, "What holds the data folder?")
    page.locator(f"{FINAL} a.cite").last.tap()
    page.locator(".viewer-page").wait_for()
    page.locator("[data-close]").tap()
    page.locator(".back").tap()

    expect(page.locator(".people")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


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


def test_nothing_comes_from_elsewhere(page: Page, service: Service) -> None:
    """Every request of the page goes to the service itself."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.locator("#write").wait_for()

    assert asked
    assert all(url.startswith(service.address) for url in asked)
