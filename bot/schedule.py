"""Which waiting work may start next: one question a conversation, few a room, some in all, fair by room.

Pure and in memory: it is told what arrived and what ended, and says what may start. Ids are those of inbox rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How work waits."""

    FREE = "free"  # reading commands, cancel, ratings, buttons: never waits
    QUESTION = "question"  # waits for its lane, its room's share and the total
    BARRIER = "barrier"  # changes the room: waits for all before it, and all after wait for it


@dataclass(frozen=True, slots=True)
class Work:
    """Something to do: the inbox row's id, its room and its lane (the conversation)."""

    id: int
    room: str
    lane: str
    kind: Kind = Kind.QUESTION


@dataclass(slots=True)
class _RoomQueue:
    waiting: list[Work] = field(default_factory=list)
    running: dict[int, Work] = field(default_factory=dict)
    last_served: int = 0

    @property
    def answering(self) -> int:
        return sum(work.kind is not Kind.FREE for work in self.running.values())


class Schedule:
    """The queues of all rooms. `room_parallel` and `total_parallel` bound what runs at once; free work is not counted."""

    def __init__(self, *, room_parallel: int, total_parallel: int) -> None:
        self._room_parallel = room_parallel
        self._total_parallel = total_parallel
        self._rooms: dict[str, _RoomQueue] = {}
        self._known: dict[int, Work] = {}
        self._served = 0

    def add(self, work: Work) -> bool:
        """Put work at the end of its room's queue; false when it is known already."""
        if work.id in self._known:
            return False
        self._known[work.id] = work
        self._rooms.setdefault(work.room, _RoomQueue()).waiting.append(work)
        return True

    def start_ready(self) -> list[Work]:
        """Take out everything that may start now and count it as running, rooms in turns."""
        started: list[Work] = []
        while work := self._next():
            queue = self._rooms[work.room]
            queue.waiting.remove(work)
            queue.running[work.id] = work
            if work.kind is not Kind.FREE:
                self._served += 1
                queue.last_served = self._served
            started.append(work)
        return started

    def finish(self, work_id: int) -> None:
        """Forget work that ended, was cancelled or never started."""
        work = self._known.pop(work_id, None)
        if work is None:
            return
        queue = self._rooms[work.room]
        queue.running.pop(work_id, None)
        queue.waiting = [other for other in queue.waiting if other.id != work_id]
        if not queue.waiting and not queue.running:
            del self._rooms[work.room]

    def knows(self, work_id: int) -> bool:
        """Whether the work waits or runs."""
        return work_id in self._known

    def is_running(self, work_id: int) -> bool:
        """Whether the work was started and has not ended."""
        work = self._known.get(work_id)
        return work is not None and work_id in self._rooms[work.room].running

    def is_question(self, work_id: int) -> bool:
        """Whether the work is known and is a question, not a command."""
        work = self._known.get(work_id)
        return work is not None and work.kind is Kind.QUESTION

    def places(self, room: str) -> dict[int, int]:
        """Place in the queue of each waiting question of a room, counting from 1."""
        queue = self._rooms.get(room)
        waiting = [work.id for work in queue.waiting if work.kind is Kind.QUESTION] if queue else []
        return {work_id: place for place, work_id in enumerate(waiting, start=1)}

    @property
    def waiting(self) -> int:
        """How much waits in all rooms."""
        return sum(len(queue.waiting) for queue in self._rooms.values())

    @property
    def running(self) -> int:
        """How much runs in all rooms, free work included."""
        return sum(len(queue.running) for queue in self._rooms.values())

    def _next(self) -> Work | None:
        for queue in self._rooms.values():
            for work in queue.waiting:
                if work.kind is Kind.FREE:
                    return work
        if sum(queue.answering for queue in self._rooms.values()) >= self._total_parallel:
            return None
        for queue in sorted(self._rooms.values(), key=lambda queue: (queue.answering, queue.last_served)):
            ready = next(self._ready(queue), None)
            if ready is not None:
                return ready
        return None

    def _ready(self, queue: _RoomQueue) -> Iterator[Work]:
        busy = {work.lane for work in queue.running.values() if work.kind is Kind.QUESTION}
        if any(work.kind is Kind.BARRIER for work in queue.running.values()) or queue.answering >= self._room_parallel:
            return
        for work in queue.waiting:
            if work.kind is Kind.BARRIER:
                if queue.answering == 0 and work is queue.waiting[0]:
                    yield work
                return
            if work.lane not in busy:
                yield work
            busy.add(work.lane)


@dataclass(frozen=True, slots=True)
class Late:
    """A question that was already waiting when the program started. `age_s` is since it was sent."""

    id: int
    room: str
    age_s: float


def postponed(questions: Sequence[Late]) -> dict[str, list[int]]:
    """Which questions of a backlog become one notice with a button instead of answers, by room.

    Those older than a day; and all of a room that has over 20 of more than ten minutes, since nobody wants to find
    twenty answers in a row where the talk has long gone on.
    """
    late: dict[str, list[int]] = {}
    for room in {question.room for question in questions}:
        here = [question for question in questions if question.room == room]
        stale = [question for question in here if question.age_s > _STALE_S]
        chosen = stale if len(stale) > _MOST_STALE else [question for question in here if question.age_s > _TOO_OLD_S]
        if chosen:
            late[room] = [question.id for question in chosen]
    return late


_STALE_S = 600.0
_MOST_STALE = 20
_TOO_OLD_S = 86_400.0
