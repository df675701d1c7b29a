"""Whatever comes instead of an update, no exception comes out."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.chat import Unreadable
from adapters.telegram.recent import Recent
from adapters.telegram.translate import translate
from adapters.telegram.wire import chat_of, topic_name_of, update_id_of
from tests.unit.adapters.telegram.telling import ADA, FORUM, GROUP, make_api, reading

ODD: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def real() -> list[dict[str, Any]]:
    """One update of each kind."""
    api = make_api()
    topic = api.add_topic(FORUM, "Bugs")
    said = api.says(FORUM, "@roomwise_bot 🦜 where?", topic=topic)
    api.edits(said, "/ask@roomwise_bot where?")
    api.says(GROUP, "/status", as_anonymous=True)
    api.sends_photo(ADA, b"1234", caption="see @roomwise_bot")
    api.sends_voice(ADA, b"ogg")
    api.says(ADA, "far", forwarded=True)
    ours = api.hub.place.keep(api.hub.place.chats[GROUP], api.bot, text="An answer")
    api.taps(ours, "up:abc")
    api.taps(ours, "up:abc", is_gone=True)
    api.reacts(ours, "👍")
    api.renames(GROUP, "Crew")
    api.kicks(GROUP)
    api.sets_status(GROUP, 77, "administrator")
    api.migrates(GROUP, -1_001_000_000_007)
    return [json.loads(json.dumps(update)) for update in api.waiting]


UPDATES = real()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from places(part, (*path, key))


def changed(update: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The update with another value at one place."""
    if not path:
        return new
    update = copy.deepcopy(update)
    part = update
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = new
    return update


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real-looking update in which up to three values are others."""
    update = draw(st.sampled_from(UPDATES))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(update))))
        update = changed(update, path, draw(ODD))
    return update


@settings(max_examples=400, deadline=None)
@given(update=mutated() | ODD)
def test_no_update_of_any_shape_raises(update: Any) -> None:
    """It gives events, Unreadable, or nothing; and so does all else that looks at it."""
    events = translate(update, reading(make_api()))
    Recent().completed(events)
    topic_name_of(update)
    update_id_of(update)

    assert len(events) <= 1


def test_an_unknown_shape_in_a_known_chat_is_unreadable_there() -> None:
    """So that it is counted, and may be looked into."""
    update = {"update_id": 1, "message": {"chat": {"id": 5, "type": "private"}, "date": "yesterday"}}
    (event,) = translate(update, reading(make_api()))

    assert isinstance(event, Unreadable)
    assert "5" == event.room.room
    assert "yesterday" not in event.reason


def test_the_chat_of_any_update_is_found() -> None:
    """Also below the message of a button."""
    assert [True] * len(UPDATES) == [chat_of(update) is not None for update in UPDATES]
