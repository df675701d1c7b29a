"""The web chat in a real browser."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.browsing import (
    DESKTOP,
    FINAL,
    PHONE,
    Service,
    ask,
    count,
    open_context,
    open_project,
    sign_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
LONGEST_PAUSE_MS = 20_000  # between two tries of a page to connect again
EMPTY = '<ul id="starters"></ul>'


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


def test_a_whole_command_is_sent_though_longer_ones_are_offered(page: Page) -> None:
    """Enter takes an offer only where what is typed is no command yet, or an arrow chose it."""
    before, box = count(page, ".mine"), page.locator("#write")
    box.fill("/jobs")
    page.locator("[role=option]", has_text="/jobs run").wait_for()
    box.press("Enter")

    expect(page.locator(".mine")).to_have_count(before + 1)
    expect(box).to_have_value("")
    box.fill("/jobs")
    page.locator("[role=option]", has_text="/jobs run").wait_for()
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value("/jobs run ")
    box.fill("")


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
    page.locator(".row[data-stage=preview], .row[data-stage=waiting]").last.wait_for()
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
    context.clock.install()
    page = context.new_page()
    sign_in(page, own)
    open_project(page, own)
    ask(page, "first")
    page.locator(FINAL).first.wait_for()
    own.kill()
    expect(page.locator("#offline")).to_be_visible(timeout=20_000)
    ask(page, "second")
    own.start()
    context.clock.fast_forward(LONGEST_PAUSE_MS)

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
    context.clock.install()
    page, other, asleep = context.new_page(), context.new_page(), context.new_page()
    sign_in(page, own)
    for one in (page, other, asleep):
        open_project(one, own)
    asleep.route("**/stream?*", lambda route: route.abort())
    own.kill()
    expect(asleep.locator("#offline")).to_contain_text("Connection lost")
    own.start()
    context.clock.fast_forward(LONGEST_PAUSE_MS)
    expect(page.locator("#offline")).to_be_hidden(timeout=20_000)
    other.locator(".menu summary").click()
    other.get_by_role("button", name="Sign out").click()

    expect(other.get_by_role("heading", name="This is Roomwise")).to_be_visible()
    context.clock.fast_forward(LONGEST_PAUSE_MS)
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


def test_nothing_comes_from_elsewhere(page: Page, service: Service) -> None:
    """Every request of the page goes to the service itself."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.locator("#write").wait_for()

    assert asked
    assert all(url.startswith(service.address) for url in asked)


def test_the_first_questions_come_when_the_first_index_is_done(page: Page, service: Service) -> None:
    """A page that was opened before shows them without a reload."""
    told = "".join(f"event: progress\ndata: {json.dumps({'text': text, 'share': 1})}\n\n" for text in ("Indexing", ""))

    def before_the_index(route: Route) -> None:
        if route.request.resource_type != "document":
            return route.continue_()
        answer = route.fetch()
        return route.fulfill(response=answer, body=re.sub(r'<ul id="starters">.*?</ul>', EMPTY, answer.text()))

    page.route("**/chat/*", before_the_index)
    page.route("**/stream?*", lambda route: route.fulfill(content_type="text/event-stream", body=told))
    open_project(page, service, "roomwise")

    expect(page.locator(".starter")).to_have_count(3)
