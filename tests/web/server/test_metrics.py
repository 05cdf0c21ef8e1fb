from __future__ import annotations

from flask.testing import FlaskClient

from web.fake_search import FakeSearch, MakeApp


def test_metrics(client: FlaskClient) -> None:
    client.get("/api/v1/search?q=a")
    client.get("/api/v1/search")
    client.get("/api/v1/documents/123")
    client.get("/api/nothing/at/all")
    client.open("/", method="MADEUP")
    text = client.get("/metrics").get_data(as_text=True)
    for line in (
        'qa_http_requests_total{method="GET",route="/api/v1/search",status="200"} 1.0',
        'qa_http_requests_total{method="GET",route="/api/v1/search",status="422"} 1.0',
        'qa_http_requests_total{method="GET",route="/api/v1/documents/<document_id>",status="404"} 1.0',
        'qa_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'qa_http_requests_total{method="OTHER",route="unmatched",status="405"} 1.0',
        'qa_http_request_duration_seconds_count{method="GET",route="/api/v1/search"} 2.0',
        "qa_index_documents 3.0",
        "qa_index_passages 9.0",
        "qa_index_failures 1.0",
        "qa_build_info{",
    ):
        assert line in text
    assert "nothing" not in text


def test_apps_do_not_share_metrics(make_app: MakeApp, search: FakeSearch) -> None:
    first, second = make_app(lambda: search).test_client(), make_app(lambda: search).test_client()
    first.get("/healthz")
    assert 'route="/healthz"' not in second.get("/metrics").get_data(as_text=True)
