from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from qa.web.server import metrics
from web.fake_search import FakeSearch, MakeApp, no_index


def test_requests_are_counted_by_route_and_status(client: FlaskClient) -> None:
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


def test_without_an_index_its_metrics_are_unknown(make_app: MakeApp) -> None:
    app = make_app(no_index)
    text = app.test_client().get("/metrics").get_data(as_text=True)
    for name in ("qa_index_documents", "qa_index_passages", "qa_index_last_success_timestamp_seconds"):
        assert f"\n{name} NaN\n" in text


def test_the_last_success_is_a_time_stamp(app: Flask, search: FakeSearch) -> None:
    with app.app_context():
        text = metrics.render(search.info, 1_700_000_000.0).decode()
    assert "qa_index_last_success_timestamp_seconds 1.7e+09" in text


def test_the_buckets_of_the_histogram_are_cumulative(client: FlaskClient) -> None:
    client.get("/healthz")
    text = client.get("/metrics").get_data(as_text=True)
    counts = [
        float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("qa_http_request_duration_seconds_bucket") and 'route="/healthz"' in line
    ]
    assert counts == sorted(counts)
    assert counts[-1] == 1
