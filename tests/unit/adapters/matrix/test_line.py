"""Who may send next, reckoned without any clock."""

import heapq
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.matrix.line import Line, Rank, Ticket

DROPPED = (Rank.PREVIEW, Rank.REACTION)
ACTS = st.tuples(st.sampled_from(list(Rank)), st.sampled_from(["!a", "!b", "!c"]), st.floats(0, 3), st.floats(0.01, 1))


@dataclass
class Server:
    """Counts as Synapse does (`api/ratelimiting.py`): a bucket that leaks, of its own clock."""

    burst: int
    per_second: float
    used: float = 0.0
    at_s: float = 0.0

    def takes(self, now_s: float) -> float:
        """0 when it takes one more, else the seconds after which it will."""
        self.used = max(0.0, self.used - (now_s - self.at_s) * self.per_second)
        self.at_s = now_s
        if self.used > self.burst - 1 + 1e-6:  # a millionth is no message: both sides round
            return (self.used - self.burst + 1) / self.per_second
        self.used += 1
        return 0.0


@dataclass
class World:
    """Runs a line in a time of its own: each thing takes `takes_s`, each that may be dropped is tried once."""

    line: Line
    server: Server
    takes_s: float = 0.1
    now_s: float = 100.0
    waits: list[tuple[Rank, float, str]] = field(default_factory=list)  # rank, how long it was held back, room
    dropped: int = 0
    floods: int = 0
    most_in_room: int = 0
    _plan: list[tuple[float, int, str, object]] = field(default_factory=list)
    _number: "count[int]" = field(default_factory=count)
    _since: dict[Ticket, float] = field(default_factory=dict)
    _open: dict[str, int] = field(default_factory=dict)

    def at(self, when_s: float, what: str, value: object) -> None:
        """Plan something."""
        heapq.heappush(self._plan, (when_s, next(self._number), what, value))

    def run(self) -> None:
        """Until nothing is left to do."""
        for _ in range(20_000):
            wait_s = self.line.wait_s(self.now_s)
            next_s = self._plan[0][0] if self._plan else float("inf")
            if wait_s is not None and self.now_s + wait_s < next_s:
                self.now_s += wait_s
            elif self._plan:
                self.now_s, _, what, value = heapq.heappop(self._plan)
                getattr(self, f"_{what}")(value)
            else:
                return
            self._grant()
        raise AssertionError("it never ends")

    def _ask(self, asked: tuple[Rank, str, str]) -> None:
        rank, room, message = asked
        if rank in DROPPED:
            ticket = self.line.try_now(rank, room, self.now_s, message=message)
            if not isinstance(ticket, Ticket):
                self.dropped += 1
                return
            self._since[ticket] = self.now_s
            self._go(ticket)
        else:
            self._since[self.line.join(rank, room, message=message)] = self.now_s

    def _grant(self) -> None:
        for ticket in self.line.grant(self.now_s):
            self._go(ticket)

    def _go(self, ticket: Ticket) -> None:
        self._open[ticket.room] = self._open.get(ticket.room, 0) + 1
        self.most_in_room = max(self.most_in_room, self._open[ticket.room])
        self.at(self.now_s + self.takes_s, "end", ticket)

    def _end(self, ticket: Ticket) -> None:
        self._open[ticket.room] -= 1
        wait_s = self.server.takes(self.now_s)
        if wait_s > 0:
            self.floods += 1
            self.line.flood(ticket, self.now_s, wait_s)
            return
        self.line.done(ticket)
        self.waits.append((ticket.rank, self.now_s - self._since[ticket] - self.takes_s, ticket.room))
        if ticket.rank is Rank.PLACEHOLDER:
            self.line.promise(ticket.message, self.now_s)
        if ticket.rank is Rank.FINAL:
            self.line.keep(ticket.message)

    def held(self, *ranks: Rank) -> list[float]:
        """How long things of these ranks were held back."""
        return [wait_s for rank, wait_s, _ in self.waits if rank in ranks]


def world(burst: int = 10, per_second: float = 0.2, *, server: float = 0.2) -> World:
    """A line and a server of the same burst; `server` is how many a second that one takes."""
    return World(Line(burst, per_second), Server(burst, server))


def going(line: Line, now_s: float = 0.0) -> list[str]:
    """The rooms of all that goes now."""
    return [ticket.room for ticket in line.grant(now_s)]


def test_what_counts_most_goes_first() -> None:
    """Finals, then replies to commands, then placeholders; in a rank as they came."""
    line = Line(1, 1.0)
    for rank, room in [(Rank.PLACEHOLDER, "!p"), (Rank.NOTICE, "!n"), (Rank.FINAL, "!f"), (Rank.FINAL, "!g")]:
        line.join(rank, room)

    assert [["!f"], ["!g"], ["!n"], ["!p"]] == [going(line, float(second)) for second in range(4)]


def test_rooms_take_turns() -> None:
    """An answer in many parts does not hold up another room's."""
    line = Line(1, 1.0)
    for room in ["!a", "!a", "!a", "!b"]:
        line.join(Rank.FINAL, room)
    order = []
    for second in range(4):
        (ticket,) = line.grant(float(second))
        line.done(ticket)
        order.append(ticket.room)

    assert ["!a", "!b", "!a", "!a"] == order


def test_a_room_sends_one_thing_at_a_time() -> None:
    """So nothing in it is overtaken; others go meanwhile."""
    line = Line(10, 1.0)
    for room in ["!a", "!a", "!b"]:
        line.join(Rank.FINAL, room)
    first, other = line.grant(0.0)

    assert ("!a", "!b") == (first.room, other.room)
    assert line.wait_s(0.0) is None
    line.done(first)
    assert ["!a"] == going(line)


def test_a_preview_leaves_room_for_the_answers_that_have_begun() -> None:
    """Each placeholder that stands will be a final text; two more tokens are for who asks next."""
    line = Line(10, 0.2)
    for number in range(5):
        line.promise(f"${number}", 0.0)
    went = 0
    while isinstance(ticket := line.try_now(Rank.PREVIEW, "!a", 0.0, message="$0"), Ticket):
        line.done(ticket)
        went += 1

    assert 3 == went
    assert pytest.approx(5.0) == ticket
    assert 3 == line.previews_of("$0")


def test_a_preview_never_stands_in_anybodys_way() -> None:
    """Neither before who waits nor in a room where something is under way."""
    line = Line(2, 0.2)
    busy = line.join(Rank.FINAL, "!a")
    line.grant(0.0)

    assert not isinstance(line.try_now(Rank.PREVIEW, "!a", 0.0, message="$1"), Ticket)
    line.done(busy)
    line.join(Rank.FINAL, "!b")
    assert not isinstance(line.try_now(Rank.PREVIEW, "!c", 0.0, message="$1"), Ticket)


def test_a_forgotten_placeholder_holds_nothing_for_ever() -> None:
    """After a quarter of an hour no answer comes any more."""
    line = Line(4, 0.001)
    for number in range(4):
        line.promise(f"${number}", 0.0)
    line.join(Rank.FINAL, "!b")
    line.grant(0.0)

    assert not isinstance(line.try_now(Rank.PREVIEW, "!a", 800.0, message="$9"), Ticket)
    assert isinstance(line.try_now(Rank.PREVIEW, "!a", 1_000.0, message="$9"), Ticket)


def test_what_was_granted_in_vain_is_given_back() -> None:
    """Who goes away before anything left us has cost nothing."""
    line = Line(1, 0.001)
    (first,) = [line.join(Rank.FINAL, "!a")]
    line.grant(0.0)
    line.leave(first)
    line.join(Rank.FINAL, "!b")

    assert ["!b"] == going(line)


def test_who_leaves_the_line_is_passed_over() -> None:
    """Leaving twice is no harm."""
    line = Line(1, 1.0)
    gone = line.join(Rank.FINAL, "!a")
    line.join(Rank.FINAL, "!b")
    line.leave(gone)
    line.leave(gone)

    assert ["!b"] == going(line)


def test_after_a_flood_the_first_goes_when_the_server_takes_one() -> None:
    """Not later, and only one; what was refused keeps its place."""
    line = Line(10, 0.2)
    ticket = line.join(Rank.FINAL, "!a")
    line.grant(0.0)
    line.join(Rank.FINAL, "!b")
    line.flood(ticket, 0.0, 12.0)

    assert [] == going(line, 11.9)
    assert pytest.approx(0.1) == line.wait_s(11.9)
    assert ["!a"] == going(line, 12.0)
    assert ["!b"] == going(line, 17.0)


def test_three_answers_at_once_stream_within_synapses_default_limits() -> None:
    """For 45 s, with a preview tried each 5 s: nothing is held back more than 6 s, no flood, finals at once."""
    made = world()
    for number in range(3):
        room, message = f"!{number}", f"${number}"
        begun_s = 100.0 + number / 10
        made.at(begun_s, "ask", (Rank.PLACEHOLDER, room, message))
        for step in range(1, 9):
            made.at(begun_s + 5 * step, "ask", (Rank.PREVIEW, room, message))
        made.at(begun_s + 45, "ask", (Rank.FINAL, room, message))
    made.run()

    assert 0 == made.floods
    assert [0.0] * 3 == pytest.approx(made.held(Rank.FINAL))
    assert max(made.held(*Rank)) <= 6
    assert len(made.held(Rank.PREVIEW)) >= 9


def test_a_fourth_question_in_the_middle_is_placed_and_answered_at_once() -> None:
    """Previews have left room for it."""
    made = world()
    for number in range(3):
        made.at(100.0, "ask", (Rank.PLACEHOLDER, f"!{number}", f"${number}"))
        for step in range(90):
            made.at(101.0 + step / 2, "ask", (Rank.PREVIEW, f"!{number}", f"${number}"))
        made.at(146.0, "ask", (Rank.FINAL, f"!{number}", f"${number}"))
    made.at(120.0, "ask", (Rank.PLACEHOLDER, "!4", "$4"))
    made.at(121.0, "ask", (Rank.FINAL, "!4", "$4"))
    made.run()

    assert max(made.held(Rank.PLACEHOLDER, Rank.FINAL)) <= 0.2
    assert 0 == made.floods


@given(st.lists(ACTS, max_size=60), st.integers(1, 12), st.sampled_from([0.2, 1.0, 5.0]), st.sampled_from([0.5, 1.0]))
def test_whatever_is_asked_all_that_may_not_be_dropped_goes(
    acts: list[tuple[Rank, str, float, float]], burst: int, per_second: float, meanness: float
) -> None:
    """In every room in its order by rank, one at a time; a server that allows less than was said is obeyed."""
    made = world(burst, per_second, server=per_second * meanness)
    when_s = 100.0
    for number, (rank, room, pause_s, _) in enumerate(acts):
        when_s += pause_s
        made.at(when_s, "ask", (rank, room, f"${number}"))
    made.run()

    kept = [rank for rank, *_ in acts if rank not in DROPPED]
    assert sorted(kept) == sorted(rank for rank, *_ in made.waits if rank not in DROPPED)
    assert made.most_in_room <= 1
    if meanness == 1.0:
        assert 0 == made.floods
