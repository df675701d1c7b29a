"""docs/api.md names what the web server serves."""

import importlib
import pkgutil
import re

from fastapi.routing import APIRoute

import bot.web
from pipelines.components.measures import MEASURES
from pipelines.stores.passages import Scope
from tests.docs.locks import ROOT
from tests.fakes.project import HANDBOOK, PROJECT, indexed, searching


def served() -> set[str]:
    """Every address of the API, as "POST /api/ask"."""
    modules = [importlib.import_module(f"bot.web.{found.name}") for found in pkgutil.iter_modules(bot.web.__path__)]
    routes = [route for module in modules if hasattr(module, "router") for route in module.router.routes]
    return {
        f"{method} {route.path}"
        for route in routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }


def explained() -> set[str]:
    """The names of features in the page's table."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    table = page.partition("With `explain`")[2].partition("\n### ")[0]
    firsts = [row.split("|")[1] for row in table.split("\n") if row.startswith("| `")]
    return {name for first in firsts for name in re.findall(r"`([^`]+)`", first)}


async def test_the_page_of_the_api_explains_every_feature() -> None:
    """Those that weigh anything, and those that a search shows besides, one of them only with a ranker."""
    files = {"fork/parcel/retry.py": HANDBOOK["parcel/retry.py"], "parcel/types.pyi": "class Parcel: ...\n", **HANDBOOK}
    store = searching(await indexed(files))
    seen = {
        feature.name
        for query in ("deliver_with_retry", "How do I add a depot?", "class Parcel", "route between depots")
        for found in await store.search(PROJECT, query, scope=Scope(), limit=50)
        for feature in found.features
    }

    assert {
        "kind of file",
        "documents or code",
        "older, only declares or for another system",
        "same text elsewhere",
    } <= seen
    assert {measure.name for measure in MEASURES} | seen | {"ranker"} == explained()


def test_the_page_of_the_api_names_every_address_and_no_other() -> None:
    """A route that the page leaves out is found by nobody; one that is gone would be tried in vain."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    named = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]+)", page)) - {"GET /openapi.json"}

    assert served() == named
