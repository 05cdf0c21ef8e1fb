from __future__ import annotations

from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

ROUTES = {
    "/api/v1/search": {"get", "post"},
    "/api/v1/documents": {"get"},
    "/api/v1/documents/{document_id}": {"get"},
    "/api/v1/documents/{document_id}/text": {"get"},
    "/api/v1/documents/{document_id}/file": {"get"},
    "/api/v1/passages/{passage_id}": {"get"},
    "/api/v1/status": {"get"},
    "/api/v1/files": {"get"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


def test_the_description_is_valid(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    OpenAPIV31SpecValidator(spec).validate()
    assert spec["openapi"].startswith("3.1.")
    assert {path: set(item) for path, item in spec["paths"].items()} == ROUTES


def test_every_error_is_described_as_a_problem(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    for item in spec["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                kinds = set(response.get("content", ()))
                assert (kinds == {"application/problem+json"}) == (status not in {"200", "304"})
                assert (not kinds) == (status == "304")
    search = spec["paths"]["/api/v1/search"]
    assert set(search["post"]["responses"]) == {
        "200",
        *("400", "404", "410", "413", "415", "422", "503"),
        "default",
    }
    assert set(spec["components"]["schemas"]["Problem"]["properties"]) == {
        "type",
        "title",
        "status",
        "detail",
        "errors",
        "request_id",
    }


def test_the_parameters_have_the_names_of_the_query_string(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    parameters = {p["name"]: p for p in spec["paths"]["/api/v1/search"]["get"]["parameters"]}
    assert set(parameters) == {
        *(
            "q",
            "k",
            "offset",
            "mode",
            "source",
            "language",
            "path",
            "from",
            "to",
            "min_confidence",
            "verbatim",
        ),
        *("type", "document", "sort", "facets", "count", "limit", "group", "like"),
    }
    assert not parameters["q"]["required"]  # or like
    assert not parameters["from"]["required"]
    assert parameters["from"]["schema"]["type"] == "string"
    assert parameters["from"]["schema"]["format"] == "date"
    assert parameters["source"]["schema"]["type"] == "array"
    assert (parameters["k"]["schema"]["minimum"], parameters["k"]["schema"]["maximum"]) == (1, 100)


def test_operations_have_readable_ids_and_tags(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    operations = [operation for item in spec["paths"].values() for operation in item.values()]
    assert [operation["operationId"] for operation in operations] == [
        *("search", "search_many", "list_documents", "get_document", "get_document_text"),
        *("get_document_file", "get_passage", "get_status", "list_files"),
        *("check_health", "check_readiness", "get_metrics"),
    ]
    assert {tag for operation in operations for tag in operation["tags"]} == {
        tag["name"] for tag in spec["tags"]
    }
    assert all(operation["summary"] for operation in operations)


def test_examples_are_requests_that_the_service_accepts(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    for path in ("/api/v1/search", "/api/v1/documents"):
        parameters = spec["paths"][path]["get"]["parameters"]
        examples = {one["name"]: one["example"] for one in parameters if "example" in one}
        assert {"source", "language", "path", "type", "document", "from", "to"} <= set(examples)
        assert client.get(path, query_string=examples).status_code == 200
    properties = spec["components"]["schemas"]["SearchRequest"]["properties"]
    for name in ("q", "questions"):
        assert client.post("/api/v1/search", json={name: properties[name]["example"]}).status_code == 200


def test_dates_and_times_say_so(client: FlaskClient) -> None:
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    published = schemas["DocumentRef"]["properties"]["published"]["anyOf"]
    assert [kind.get("format") for kind in published] == ["date", None]
    assert schemas["Status"]["properties"]["created"]["format"] == "date-time"
    assert schemas["TimelineBar"]["properties"]["from"]["format"] == "date"


def test_the_documentation_page_loads_no_external_files(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)
    assert "http:" not in page
    assert "https:" not in page
    for address in (
        "/docs/assets/js/swagger-ui-bundle.js",
        "/docs/assets/css/swagger-ui.css",
        "/static/docs.js",
    ):
        assert address in page
        with client.get(address) as response:
            assert response.status_code == 200
