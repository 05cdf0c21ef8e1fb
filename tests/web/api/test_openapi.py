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
                kinds = set(response["content"])
                assert (kinds == {"application/problem+json"}) == (status != "200")
    search = spec["paths"]["/api/v1/search"]
    assert set(search["post"]["responses"]) == {"200", "400", "413", "415", "422", "503", "default"}
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
        *("type", "document", "sort", "facets", "group"),
    }
    assert parameters["q"]["required"]
    assert not parameters["from"]["required"]
    assert parameters["from"]["schema"]["type"] == "string"
    assert parameters["from"]["schema"]["format"] == "date"
    assert parameters["source"]["schema"]["type"] == "array"
    assert (parameters["k"]["schema"]["minimum"], parameters["k"]["schema"]["maximum"]) == (1, 100)


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
