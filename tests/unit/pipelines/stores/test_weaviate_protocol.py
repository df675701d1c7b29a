"""What the Weaviate store keeps and how it reads it again, without a server: states, rows, bodies, generations, errors.

A protocol-level test: the store against a real server is tested in tests/contracts and tests/integration.
"""

import base64
from datetime import UTC, datetime

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stores.weaviate_errors import TenantAsleep, TenantGone, told
from pipelines.stores.weaviate_projects import Held, committed
from pipelines.stores.weaviate_rows import objects_of, passage_of_body, row_object, row_of
from pipelines.stores.weaviate_state import STATE_VERSION, Head, Place, State, Sums, pack_state, unpack_state
from pipelines.types import Shown, StoreFull, StoreUnavailable
from tests.fakes.files import file_of

PLACE = Place("v1", "p1-aa")
names = st.text(min_size=1, max_size=5)
numbers = st.integers(min_value=0, max_value=10**9)
times = st.datetimes(timezones=st.just(UTC))
heads = st.builds(
    Head,
    place=st.builds(Place, names, names),
    generation=numbers,
    void=st.lists(st.tuples(numbers, numbers), max_size=3).map(tuple),
    dead=st.frozensets(names),
    shown=st.dictionaries(names, st.builds(Shown, names, names, names, times, updating_to=st.none() | names)),
    settled=st.dictionaries(names, numbers),
    hidden=st.frozensets(names),
    purging=st.frozensets(names),
    groups=st.frozensets(st.tuples(names, st.none() | names)),
    languages=st.frozensets(names),
    width=numbers,
    sums=st.dictionaries(names, st.builds(Sums, numbers, numbers, numbers)),
)


@given(st.builds(State, st.none() | heads, st.none() | heads, st.lists(st.builds(Place, names, names)).map(tuple)))
def test_a_state_is_read_as_it_was_written(state: State) -> None:
    """Whatever is in it."""
    assert state == unpack_state(pack_state(state))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"version": 1}', '{"version": 1, "current": 5, "trash": []}']
)
def test_a_damaged_state_is_told(text: str) -> None:
    """It is no empty project."""
    with pytest.raises(StoreUnavailable, match="expected the state"):
        unpack_state(text)


def test_what_the_state_of_an_older_program_names_is_to_be_removed() -> None:
    """Its passages lie there under ids of another form: nothing of it could be found, and the project is made anew."""
    state = State(Head(PLACE), Head(Place("v1", "p1-bb")), (Place("v0", "p1-cc"),))
    older = pack_state(state).replace(f'"version":{STATE_VERSION}', f'"version":{STATE_VERSION - 1}', 1)

    assert State(None, None, (Place("v0", "p1-cc"), PLACE, Place("v1", "p1-bb"))) == unpack_state(older)


def test_the_state_of_a_newer_program_is_left_alone() -> None:
    """An older program must not write over what it cannot read."""
    with pytest.raises(StoreUnavailable, match="update the program"):
        unpack_state('{"version": 99}')


def test_what_was_tried_and_not_committed_stays_void() -> None:
    """A process that finds generation 3 skips those that one before it may have tried, and they never count."""
    held, head = Held("p1", State(Head(PLACE, generation=3))), Head(PLACE, generation=3)

    born = held.begin(head)
    after = committed(head, born, swept=set())

    assert born > 4
    assert [False, False, True, True, False] == [after.is_void(at) for at in (0, 3, 4, born - 1, born)]
    assert after.is_void(born + 1)
    assert held.begin(head) == born + 1


def test_processes_after_each_other_never_try_the_same_generation() -> None:
    """What one that was killed has left above the committed generation must not count with what the next one commits."""
    head = Head(PLACE, generation=1_004)
    tried = [Held("p1", State(head)).begin(head) for _ in range(20)]

    assert 20 == len(set(tried))
    assert max(tried) < 2**53 // 1_000


def test_what_was_never_committed_is_forgotten_only_once_it_is_swept_away() -> None:
    """However many there are: what lies in a range that is forgotten would count."""
    void = tuple((at, at) for at in range(1, 200, 2))
    head = Head(PLACE, generation=200, void=void)
    unswept = committed(head, 202, swept=set())
    swept = committed(unswept, 204, swept=set(), swept_void={(PLACE, first) for first, _ in void if first != 7})

    assert all(unswept.is_void(first) for first, _ in (*void, (201, 201)))
    assert swept.is_void(7)
    assert not swept.is_void(5)
    assert swept.is_void(203)
    assert len(swept.void) < 60


async def test_a_reader_of_the_state_before_is_waited_for() -> None:
    """A reader that comes afterwards is not."""
    held = Held("p1", State(Head(PLACE)))
    with held.reading("p1"):
        before = held.is_used
    with held.reading("p1") as head:
        held._epoch += 1
        assert [held._epoch - 1] == list(held._readers)
    await held.readers_gone()

    assert before
    assert Head(PLACE) == head
    assert not held.is_used


def test_a_row_is_read_as_it_was_written() -> None:
    """With its vectors, near enough; without them when they are damaged."""
    file = file_of(" a'ö.md ", "one", "three", room="r1")
    made = objects_of("00000000-0000-0000-0000-000000000001", file, born=7, ahead="c2", width=file.vectors.shape[1])  # type: ignore[union-attr]
    row = row_of(str(made.row.uuid), made.row.properties)

    assert (file.entry, 7, "c2") == (row.entry, row.born, row.ahead)
    assert row.stored is not None
    assert made.row.properties == row_object(row).properties
    for codes in ("", "no base64", base64.b64encode(b"short").decode()):
        assert row_of("x", {**made.row.properties, "codes": codes}).stored is None


@given(st.text(), st.dictionaries(names, st.integers() | names))
def test_a_passage_is_read_as_it_was_written(text: str, meta: dict[str, object]) -> None:
    """Whatever its text, and whatever its meta is called, "id" too."""
    file = file_of("a.md", text, **{f"x{name}": value for name, value in meta.items()}, id="mine")  # type: ignore[arg-type]
    (made,) = objects_of("00000000-0000-0000-0000-000000000001", file, born=1, ahead="", width=0).passages
    found = passage_of_body(str(made.properties["body"]))

    assert found is not None
    assert (file.documents[0].id, text) == (found.id, found.text)
    assert found.meta.items() >= {f"x{name}": value for name, value in meta.items()}.items()
    assert "mine" == found.meta["id"]


@pytest.mark.parametrize("body", ["", "-", "AAAA", base64.b64encode(b"not packed").decode()])
def test_a_damaged_passage_is_left_out(body: str) -> None:
    """It is neither shown nor fatal."""
    assert passage_of_body(body) is None


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("open proplengths.tmp: too many open files", StoreFull, "weaviate.awake_projects"),
        ("shard is read-only", StoreFull, "disk or its memory nearly full"),
        ("store is read only due to: disk usage too high", StoreFull, "disk or its memory nearly full"),
        (
            "Every object failed. Here is the set of all errors: shard is read-only",
            StoreFull,
            "full? shard is read-only",
        ),
        ("tenant not found: p1", TenantGone, "--repair"),
        ("tenant not active: p1", TenantAsleep, "not active"),
        ("status 401 unauthorized", StoreUnavailable, "weaviate.api_key"),
        ("Deadline Exceeded", StoreUnavailable, "in time"),
        ("something else", StoreUnavailable, "failed: something else"),
    ],
)
def test_what_a_server_says_is_told_in_our_words(said: str, kind: type[StoreUnavailable], words: str) -> None:
    """Each kind of fault is an error of its own."""
    found = told(grpc.RpcError(said))

    assert kind is type(found)
    assert words in str(found)


def test_nobody_who_answers_is_told_with_the_address() -> None:
    """So that whoever reads the log knows where to look."""
    assert "at http://there, none answers" in str(told(ConnectionRefusedError("refused"), "http://there"))


def test_times_come_back_with_their_zone() -> None:
    """A shown version keeps the moment it was shown at."""
    shown = Shown("s1", "main", "c1", datetime(2026, 3, 1, tzinfo=UTC))
    found = unpack_state(pack_state(State(Head(PLACE, shown={"s1": shown})))).current

    assert found is not None
    assert shown == found.shown["s1"]
