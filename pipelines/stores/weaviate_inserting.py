"""Objects written to a Weaviate server so that each of them is found, also when the connection breaks in the middle.

The server stores an object first and indexes it then. One that comes again unchanged it takes for done: what was stored
before the connection or the server was lost, and not indexed, would stay so for ever, and still count as written. So
nothing is sent twice as it is. What was refused is deleted before it is sent again. The client sends a batch again by itself
when the connection breaks, and tells of it in its log alone: there it is noticed, and the whole change fails, to be made
anew under other ids.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from pipelines.stores.weaviate_errors import server_errors, told
from pipelines.types import StoreFull, StoreUnavailable

_OBJECTS_AT_ONCE: Final = 250  # what the client makes of them holds up the loop for some 50 ms
_BYTES_AT_ONCE: Final = 4_000_000
_BYTES_AN_OBJECT: Final = 1_500  # what is sent of each besides its texts
_SENT_AGAIN: Final = "Batch objects received exception"
_CLIENT: Final = logging.getLogger("weaviate-client")

_breaks: ContextVar[list[str] | None] = ContextVar("breaks", default=None)


class _Breaks(logging.Filter):
    """Notes that a batch is sent again for whoever waits for it, and keeps the client's chatter out of our log.

    What was refused it tells as a dict with the objects, which are texts of the sources: who asked logs the path alone.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        found = _breaks.get()
        if found is not None and str(record.msg).startswith(_SENT_AGAIN):
            found.append(record.levelname)
        return record.levelno >= logging.WARNING and not isinstance(record.msg, dict)


_CLIENT.setLevel(logging.INFO)
_CLIENT.addFilter(_Breaks())


async def insert(collection: Any, objects: Sequence[DataObject[Any, None]]) -> dict[int, str]:
    """Write new objects in batches; gives what was refused twice, by place. Raises StoreFull and StoreUnavailable."""
    refused: dict[int, str] = {}
    for batch in _batches(objects):
        failed = await _inserted(collection, [objects[at] for at in batch])
        again = [batch[at] for at in failed]
        if again:
            failed = await _anew(collection, [objects[at] for at in again])
            refused |= {again[at]: message for at, message in failed.items()}
    return refused


async def delete_all(collection: Any, where: Any) -> None:
    """Delete what fits; a server deletes so many at once, so until nothing is left. Raises StoreUnavailable."""
    while True:
        with server_errors():
            done = await collection.data.delete_many(where)
        if done.failed:
            raise StoreUnavailable(f"the Weaviate server could not delete {done.failed} of {done.matches} objects")
        if not done.matches:
            return


async def _anew(collection: Any, objects: Sequence[DataObject[Any, None]]) -> dict[int, str]:
    """Delete what there may be of some objects that were refused, and write them; gives what is refused again."""
    await delete_all(collection, Filter.by_id().contains_any([str(one.uuid) for one in objects]))
    return await _inserted(collection, objects)


async def _inserted(collection: Any, objects: Sequence[DataObject[Any, None]]) -> dict[int, str]:
    """Write a batch; gives what was refused, by place."""
    with server_errors(), _noticing() as breaks:
        try:
            result = await collection.data.insert_many(objects)
        except WeaviateInsertManyAllFailedError as error:
            failed = dict.fromkeys(range(len(objects)), str(error))
        else:
            failed = {at: one.message for at, one in result.errors.items()}
    if breaks:
        raise StoreUnavailable(
            "the connection to the Weaviate server broke while a change was written: it is to be made anew"
        )
    for message in failed.values():
        found = told(RuntimeError(message))
        if isinstance(found, StoreFull) or type(found) is not StoreUnavailable:
            raise found
    return failed


@contextmanager
def _noticing() -> Iterator[list[str]]:
    """Collect how often the client sends again what is sent within."""
    found: list[str] = []
    before = _breaks.set(found)
    try:
        yield found
    finally:
        _breaks.reset(before)


def _batches(objects: Sequence[DataObject[Any, None]]) -> Iterable[list[int]]:
    """Cut objects into batches of what one request should carry."""
    batch: list[int] = []
    size = 0
    for at, one in enumerate(objects):
        size += _BYTES_AN_OBJECT + sum(len(value) for value in one.properties.values() if isinstance(value, str))
        batch.append(at)
        if len(batch) >= _OBJECTS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
