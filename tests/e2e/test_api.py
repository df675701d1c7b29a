"""The JSON API of the real service against its own description."""

from collections.abc import Iterator

import pytest

from bot.web.shapes import Answered, ClaimCode, ListedTokens, LoginLink, MadeToken, RevokedToken, Searched, Stands
from tests.e2e.service import HANDBOOK, PROJECT, Service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one page indexed."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "docs").mkdir()
    (folder / "docs" / "handbook.md").write_text(HANDBOOK)
    running = Service(folder).start()
    running.index(folder / "docs", project=PROJECT)
    yield running
    assert 0 == running.stop(), running.log


def test_every_answer_has_the_shape_that_is_described(service: Service) -> None:
    """No key is missing, none is more; unknown keys of the shapes are errors."""
    asked = {"project": PROJECT}
    with service.shell() as http:
        found = http.post("/api/search", json=asked | {"query": "holiday", "explain": True})
        answer = http.post("/api/ask", json=asked | {"question": "How many days of holiday has everybody?"})
        status, link, code = http.get("/api/status"), http.post("/api/login-links"), http.post("/api/claim-codes")
        made = http.post("/api/tokens", json=asked | {"name": "ci"})
        listed, revoked = http.get("/api/tokens"), http.delete("/api/tokens/ci")

    assert Searched.model_validate_json(found.text).passages[0].features
    assert Answered.model_validate_json(answer.text).citations
    assert Stands.model_validate_json(status.text).projects[0].sources
    assert LoginLink.model_validate_json(link.text).url
    assert ClaimCode.model_validate_json(code.text).code
    assert MadeToken.model_validate_json(made.text).token
    assert ListedTokens.model_validate_json(listed.text).tokens
    assert RevokedToken.model_validate_json(revoked.text).revoked
