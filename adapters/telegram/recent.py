"""What is remembered of the last messages, in memory: what later updates leave out. Forgotten at a restart.

A reaction does not say in which topic its message stands; of an album only one message has the text; and an edit
comes also when only a picture was changed.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from adapters.chat import Addressed, Edited, Event, Message, Pressed, RoomAddress
from adapters.last import MOST, Last

_LOOSE: Final = (Addressed.AMBIENT, Addressed.REPLY)


class Recent:
    """The topics, the texts and the albums of the last messages, and the last drafts."""

    def __init__(self, most: int = MOST) -> None:
        self._topics: Last[tuple[str, str], int] = Last(most)
        self._texts: Last[tuple[str, str], tuple[int, str]] = Last(most)
        self._albums: Last[tuple[str, str], Addressed] = Last(most)
        self._drafts: Last[str, str] = Last(most)

    def note_place(self, room: RoomAddress, message: str) -> None:
        """Remember in which topic a message stands."""
        chat, _, topic = room.room.partition("/")
        if topic:
            self._topics.keep((chat, message), int(topic))

    def note_draft(self, number: str, cancels: str) -> None:
        """Remember what the cancel button under a draft would have said."""
        self._drafts.keep(number, cancels)

    def topic_of(self, chat: int, message: int) -> int | None:
        """The topic that a message stands in; None for none, or when it is not remembered."""
        return self._topics.get((str(chat), str(message)))

    def completed(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """The events with what earlier ones tell of them, without edits that change no text."""
        for event in events:
            if isinstance(event, Message) and event.album and event.addressed not in _LOOSE:
                self._albums.keep((event.room.room, event.album), event.addressed)
        return tuple(done for event in events if (done := self._completed(event)) is not None)

    def _completed(self, event: Event) -> Event | None:
        if isinstance(event, Message):
            self.note_place(event.room, event.message_id)
            self._texts.keep((event.room.room, event.message_id), (hash(event.text), event.id.event))
            shared = self._albums.get((event.room.room, event.album)) if event.addressed in _LOOSE else None
            return event if shared is None else replace(event, addressed=shared)
        if isinstance(event, Edited):
            key = (event.room.room, event.message_id)
            text, told_by = self._texts.get(key, (0, event.id.event))
            if text == hash(event.text) and told_by != event.id.event:  # a repeat of the same update may be needed
                return None
            self._texts.keep(key, (hash(event.text), event.id.event))
        if isinstance(event, Pressed) and not event.message_id:  # a draft, which is no message
            cancels = self._drafts.get(event.data)
            return None if cancels is None else replace(event, data=cancels)
        return event
