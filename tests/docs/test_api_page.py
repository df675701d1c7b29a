"""docs/api.md names what the web server serves."""

import importlib
import pkgutil
import re

from fastapi.routing import APIRoute

import bot.web
from tests.docs.locks import ROOT


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


def test_the_page_of_the_api_names_every_address_and_no_other() -> None:
    """A route that the page leaves out is found by nobody; one that is gone would be tried in vain."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    named = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]+)", page)) - {"GET /openapi.json"}

    assert served() == named
