"""What of an address no request can carry is told by its name, and its value stands in no error."""

from collections.abc import Mapping

import pytest

from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.types import StoreUnavailable

URL = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("key", "headers", "named"),
    [
        ("hush\nhush", {}, "api_key"),
        (" hush", {}, "api_key"),
        ("hushé", {}, "api_key"),
        ("", {"X-A": "hush\r\nX-B: hush"}, "'X-A'"),
        ("", {"X-A": "hushé"}, "'X-A'"),
        ("", {"X A": "hush"}, "'X A'"),
    ],
)
async def test_a_key_that_no_request_can_carry_is_told_without_it(
    key: str, headers: Mapping[str, str], named: str
) -> None:
    """Before anything is asked: the client would tell the value, or raise what nobody expects of it."""
    server = Server(Address(URL, api_key=key, headers=headers), Names("tests"), Layout())

    with pytest.raises(StoreUnavailable, match=named) as error:
        await server.client()

    assert "hush" not in str(error.value)


@pytest.mark.parametrize("key", ["", "k", "k e-y_9=/+", "~" * 300])
def test_what_a_request_can_carry_is_well(key: str) -> None:
    """Spaces inside too, and no value at all."""
    assert "" == Address(URL, api_key=key, headers={"X-Key": key, "x_1": ""}).wrong


async def test_what_a_url_says_beside_its_host_is_told_nowhere() -> None:
    """Neither a password nor a path; `/readyz`, `/status` and the log tell the error."""
    address = Address("http://somebody:hush@127.0.0.1:9/hush?key=hush", start_s=1.0)
    server = Server(address, Names("tests"), Layout())
    problem = await server.problem()

    assert "http://127.0.0.1:9," in problem
    assert "hush" not in problem
