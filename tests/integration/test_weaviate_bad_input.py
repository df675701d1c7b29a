"""A Weaviate server that is the wrong one, full, tampered with, or fed with odd files."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.stores import weaviate_inserting, weaviate_writing
from pipelines.stores.passages import Change, Scope
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import State
from pipelines.types import Shown, StoreFull, StoreUnavailable
from tests.fakes.files import PROJECT, SOURCE, file_of, texts_of
from tests.fakes.ports import free_ports
from tests.fakes.weaviate_nodes import running_weaviate
from tests.fakes.weaviate_store import emptied_weaviate, old_weaviate

pytestmark = pytest.mark.weaviate

SCOPE = Scope()
KEY = "the-right-key-of-a-test"


def opened(address: Address) -> WeaviatePassages:
    """Open a store."""
    return WeaviatePassages(Server(address, Names("tests"), Layout()))


@pytest.fixture
async def store(weaviate: Address) -> AsyncIterator[WeaviatePassages]:
    """A store with one empty project."""
    made = await emptied_weaviate(weaviate)
    await made.create(PROJECT)
    yield made
    await made.close()


async def found(store: WeaviatePassages, words: str = "word") -> list[str]:
    """What a search finds, in the order of the texts."""
    return sorted(texts_of(await store.keywords(PROJECT, words, scope=SCOPE, limit=50)))


async def set_tenants(address: Address, store: WeaviatePassages, *, method: str, status: str = "") -> None:
    """Change or delete all tenants of the project behind the store's back."""
    held = (await store._projects.all())[PROJECT]
    async with httpx.AsyncClient(base_url=address.url, timeout=30) as client:
        for place in held.state.places():
            for name in await store.server.pair(place.version):
                body: Any = [{"name": place.tenant, "activityStatus": status}] if status else [place.tenant]
                (await client.request(method, f"/v1/schema/{name}/tenants", json=body)).raise_for_status()


async def set_read_only(address: Address, store: WeaviatePassages, status: str) -> None:
    """Set the shards of the project read-only, as a server whose disk fills up does, or ready again."""
    (place,) = (await store._projects.all())[PROJECT].state.places()
    async with httpx.AsyncClient(base_url=address.url, timeout=30) as client:
        for name in await store.server.pair(place.version):
            path = f"/v1/schema/{name}/shards/{place.tenant}"
            (await client.put(path, json={"status": status})).raise_for_status()


async def test_a_wrong_key_is_told_and_not_repeated(weaviate_program: Path) -> None:
    """The sentence names the setting; neither key stands in it. The right key gets in."""
    told = {
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": KEY,
        "AUTHENTICATION_APIKEY_USERS": "roomwise",
    }
    with running_weaviate(weaviate_program, nodes=1, **told) as (node,):
        errors = []
        for key in ("a-wrong-key-of-a-test", ""):
            store = opened(Address(node.url, grpc_port=node.grpc_port, api_key=key))
            with pytest.raises(StoreUnavailable, match=r"weaviate\.api_key") as error:
                await store.create(PROJECT)
            errors.append(str(error.value))
            await store.close()
        store = opened(Address(node.url, grpc_port=node.grpc_port, api_key=KEY))
        await store.create(PROJECT)
        assert [PROJECT] == await store.projects()
        await store.close()

    assert not [text for text in errors if "a-wrong-key" in text or KEY in text]


async def test_a_wrong_grpc_port_is_told(weaviate: Address) -> None:
    """HTTP answers and gRPC does not: the sentence names the setting."""
    (ports,) = free_ports(1, ("grpc",), beside={})
    store = opened(replace(weaviate, grpc_port=ports["grpc"], start_s=1))
    with pytest.raises(StoreUnavailable, match=r"weaviate\.grpc_port"):
        await store.create(PROJECT)
    await store.close()


async def test_tenants_deleted_behind_our_back_begin_anew(weaviate: Address, store: WeaviatePassages) -> None:
    """The project is empty then, and the next change goes in; what was indexed is indexed again by the next look."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))
    before = await store.generation(PROJECT)
    await set_tenants(weaviate, store, method="DELETE")

    lost = await found(store)
    manifest = await store.manifest(PROJECT, SOURCE)
    after = await store.generation(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("b.md", "two words")]))

    assert ([], {}) == (lost, manifest)
    assert after > before
    assert ["two words"] == await found(store)


async def test_all_who_ask_at_once_for_deleted_tenants_are_answered(weaviate: Address, store: WeaviatePassages) -> None:
    """Whoever comes first begins anew, the others find that it is done."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))
    await set_tenants(weaviate, store, method="DELETE")
    told: list[str] = []
    store.on_anew = told.append

    assert [[], [], []] == list(await asyncio.gather(*(found(store) for _ in range(3))))
    assert [PROJECT] == told


async def test_a_deactivated_tenant_wakes_by_itself(weaviate: Address, store: WeaviatePassages) -> None:
    """Whoever put it to sleep."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))
    await set_tenants(weaviate, store, method="PUT", status="COLD")

    assert ["one word"] == await found(store)


async def test_a_read_only_server_takes_nothing_half(weaviate: Address, store: WeaviatePassages) -> None:
    """A change is refused as StoreFull and leaves nothing; searches go on, and so do writes once it is ready."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "old word"), file_of("b.md", "old words")]))
    change = Change(put=[file_of("a.md", "new word", blob="b2"), file_of("b.md", "new words", blob="b2")])
    await set_read_only(weaviate, store, "READONLY")
    with pytest.raises(StoreFull):
        await store.apply(PROJECT, change)
    meanwhile = await found(store)
    await set_read_only(weaviate, store, "READY")
    await store.apply(PROJECT, change)

    assert ["old word", "old words"] == meanwhile
    assert ["new word", "new words"] == await found(store)


async def test_a_file_that_the_server_refuses_is_left_out_alone(
    weaviate: Address, caplog: pytest.LogCaptureFixture
) -> None:
    """Its path stands in the log, the others are whole, and the one before it is gone rather than stale."""
    store = await emptied_weaviate(weaviate)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("a.md", "one word")]))
    bad = file_of("bad.md", "bad word", "worse word", blob="b2")
    insert = weaviate_inserting.insert

    async def break_one(collection: Any, objects: Any) -> dict[int, str]:
        for one in objects:
            if one.properties.get("pid") == bad.documents[1].id:
                one.properties["born"] = "no number"  # the server's own check refuses this object
        return await insert(collection, objects)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weaviate_writing, "insert", break_one)
        await store.apply(PROJECT, Change(put=[bad, file_of("c.md", "three words")]))
    manifest = await store.manifest(PROJECT, SOURCE)
    texts = await found(store)
    await store.close()

    assert {"a.md", "c.md"} == manifest.keys()
    assert ["one word", "three words"] == texts
    assert "bad.md is not indexed" in caplog.text


async def test_a_change_larger_than_any_message_goes_in_batches(store: WeaviatePassages) -> None:
    """70 MB of incompressible text in one file, and one passage of several MB in another."""
    letters = bytes(range(97, 123)).decode()
    noise = ["".join(letters[(at * seed + at // 7) % 26] for at in range(7_000)) * 100 for seed in (3, 5, 7, 11)]
    many = [f"big {noise[at % 4][:700_000]}" for at in range(100)]
    await store.apply(PROJECT, Change(put=[file_of("many.md", *many), file_of("one.md", "single " + noise[0] * 6)]))

    assert 100 == len(await store.of_file(PROJECT, SOURCE, "many.md"))
    assert ["single " + noise[0] * 6] == texts_of(await store.of_file(PROJECT, SOURCE, "one.md"))


async def test_meta_that_is_named_like_our_properties_comes_back(store: WeaviatePassages) -> None:
    """Nothing that a converter notes of a passage can collide with how it is kept."""
    odd: dict[str, Any] = {
        "id": "mine",
        "vector": [1, 2],
        "body": "b",
        "born": -1,
        "at": "never",
        "pid": "p",
        "_additional": {"a": 1},
    }
    file = file_of("a.md", "one word", **odd)
    await store.apply(PROJECT, Change(put=[file]))
    (document,) = await store.keywords(PROJECT, "word", scope=SCOPE, limit=5)

    assert file.documents[0].id == document.id
    assert odd == {name: document.meta[name] for name in odd}


PATHS = (
    " a.md", "a.md ", "a\u00a0.md", "Straße/ÄÖ.md", "文档/说明.md", "a'b\"c`.md", "a\\b.md", "a\nb.md", "a%2Fb.md",
    "e\u0301.md", "\u00e9.md", "-", "A.md", "a.md", "x" * 4_000 + ".md", "\U0001f600.md",
)  # fmt: skip


async def test_any_path_is_found_again_as_it_is(store: WeaviatePassages) -> None:
    """Spaces at the ends, other scripts, quotes, and names that look alike stay apart."""
    await store.apply(PROJECT, Change(put=[file_of(path, f"word {at}") for at, path in enumerate(PATHS)]))
    await store.apply(PROJECT, Change(put=[file_of("a.md", "word new", blob="b2")], remove=[(SOURCE, "a.md ")]))
    texts = {path: texts_of(await store.of_file(PROJECT, SOURCE, path)) for path in PATHS}

    expected = {path: [f"word {at}"] for at, path in enumerate(PATHS)} | {"a.md": ["word new"], "a.md ": []}
    assert expected == texts
    assert set(PATHS) - {"a.md "} == (await store.manifest(PROJECT, SOURCE)).keys()


@pytest.mark.parametrize("text", ["a word \x00 with nul", "\x00word", "word \ufffe\uffff", "word " + "\u200b" * 50])
async def test_odd_signs_in_a_text_come_back(store: WeaviatePassages, text: str) -> None:
    """A text is kept to the letter, whatever signs are in it."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", text)]))

    assert [text] == texts_of(await store.of_file(PROJECT, SOURCE, "a.md"))


async def test_half_a_sign_does_no_harm(store: WeaviatePassages) -> None:
    """A lone surrogate is no text: it is kept as a question mark, and keeps nothing else out of the index."""
    await store.apply(PROJECT, Change(put=[file_of("a.md", "word \ud800 half"), file_of("b.md", "whole word")]))

    assert ["whole word", "word ? half"] == await found(store)


async def test_a_clock_that_jumps_back_changes_nothing(store: WeaviatePassages) -> None:
    """Order is by generation: a change that claims to be of an hour before is the one that shows."""
    late = datetime(2026, 3, 1, 12, tzinfo=UTC)
    shown = [Shown(SOURCE, "main", "c1", late), Shown(SOURCE, "main", "c2", late - timedelta(hours=1))]
    await store.apply(PROJECT, Change(put=[file_of("a.md", "old word")], shown=shown[:1]))
    await store.apply(PROJECT, Change(put=[file_of("a.md", "new word", blob="b2")], shown=shown[1:]))

    assert ["new word"] == await found(store)
    assert {SOURCE: shown[1]} == await store.shown(PROJECT)


async def test_one_port_for_both_is_told(weaviate: Address) -> None:
    """The same port for HTTP and gRPC is no address that a server can have."""
    store = opened(replace(weaviate, grpc_port=int(weaviate.url.rpartition(":")[2])))
    with pytest.raises(StoreUnavailable, match=r"weaviate\.grpc_port to be two ports"):
        await store.create(PROJECT)
    await store.close()


async def test_a_server_that_is_too_old_is_told() -> None:
    """A stand-in that says version 1.30: the sentence has both versions."""
    async with old_weaviate() as port:
        store = opened(Address(f"http://127.0.0.1:{port}", grpc_port=1))
        with pytest.raises(StoreUnavailable, match=r"Weaviate 1\.36\.0 or newer .* got 1\.30\.0: update the server"):
            await store.create(PROJECT)
        await store.close()


async def test_a_removal_that_was_cut_off_is_finished_by_the_next_start(
    weaviate: Address, store: WeaviatePassages
) -> None:
    """Of a dropped project no tenant stays, though nobody drops it again."""
    held = (await store._projects.all())[PROJECT]
    (place,) = held.state.places()
    await store._projects.save(held, State(None, None, (place,)))
    again = opened(weaviate)
    await again.counts("p2")
    await asyncio.gather(*again._tasks)
    client = await again.server.client()
    left = [
        await client.collections.get(name).tenants.exists(place.tenant)
        for name in await again.server.pair(place.version)
    ]
    await again.close()

    assert [False, False] == left
    assert PROJECT not in await again._projects.all()
