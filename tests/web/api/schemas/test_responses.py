"""Every response of the API has the shape that its model describes, and nothing else."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from qa.web.api.schemas import responses
from web.fake_search import NEWS
from web.helpers import id_of

DOCUMENT = id_of("news/tass.txt")
START = NEWS.index("HANOI. The")
PASSAGE = f"{DOCUMENT}:{START}-{NEWS.index(chr(10), START)}"


@pytest.mark.parametrize(
    ("address", "model"),
    [
        ("/api/v1/search?q=trade", responses.SearchAnswer),
        ("/api/v1/search?q=trade&facets=true&sort=date", responses.SearchAnswer),
        ("/api/v1/documents", responses.Documents),
        (f"/api/v1/documents/{DOCUMENT}", responses.Document),
        (f"/api/v1/documents/{id_of('evil.html')}", responses.Document),
        (f"/api/v1/passages/{PASSAGE}", responses.Passage),
        ("/api/v1/status", responses.Status),
        ("/api/v1/files", responses.FileList),
        ("/healthz", responses.Health),
        ("/readyz", responses.Readiness),
        ("/api/v1/search", responses.Problem),
        ("/api/v1/nothing", responses.Problem),
    ],
)
def test_a_response_has_exactly_the_fields_of_its_model(
    client: FlaskClient, address: str, model: type[BaseModel]
) -> None:
    body = client.get(address).get_json()
    validated = model.model_validate(body, strict=True, extra="forbid")
    assert validated.model_dump(mode="json", by_alias=True, exclude_unset=True) == body


@pytest.mark.parametrize("body", [{"q": "trade"}, {"questions": ["trade", "tourists"], "facets": True}])
def test_a_search_request_has_one_answer_or_several(client: FlaskClient, body: dict[str, object]) -> None:
    answer = client.post("/api/v1/search", json=body).get_json()
    validated = responses.SearchResponse.model_validate(answer, strict=True, extra="forbid").root
    assert isinstance(validated, responses.SearchAnswer if "q" in body else responses.SearchAnswers)


def test_models_and_unclear_fields_are_described(client: FlaskClient) -> None:
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    for name, field in (("SearchAnswer", "confidence"), ("Result", "relevant"), ("Document", "found")):
        assert schemas[name]["properties"][field]["description"].endswith(".")
    assert all(
        schema["description"].endswith(".") for name, schema in schemas.items() if hasattr(responses, name)
    )
