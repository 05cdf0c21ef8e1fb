"""Fuzz the API against its own description with schemathesis: ``make fuzz``."""

from __future__ import annotations

import os
from dataclasses import replace

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from web.fake_search import NEWS, FakeSearch

from qa.config import Settings
from qa.types import Metadata
from qa.web import create_app

_search = FakeSearch()
_search.add("news/tass.txt", NEWS, Metadata(title="Cambodia & Russia", source="TASS", language="en"))
_app = create_app(replace(Settings(), threads=8), lambda: _search)
_app.testing = False


def _to_its_end(environ, start):
    """Take each answer whole, as a server does."""
    environ.pop("HTTP_ACCEPT_ENCODING", None)  # schemathesis asks for gzip, and over WSGI doesn't unpack it
    answer = _app.wsgi_app(environ, start)
    try:
        return [b"".join(answer)]
    finally:
        getattr(answer, "close", lambda: None)()


schema = schemathesis.openapi.from_wsgi("/openapi.json", _to_its_end)


@schema.parametrize()
@settings(
    max_examples=int(os.environ.get("EXAMPLES", "200")),
    deadline=None,
    derandomize=False,
    suppress_health_check=list(HealthCheck),
)
def test_the_api_does_what_it_says(case) -> None:
    # Its description cannot say that one field must not come with another, or not before it.
    case.call_and_validate(headers={"Host": "localhost"}, excluded_checks=[positive_data_acceptance])


def test_it_was_asked_much(capsys) -> None:
    told = _app.test_client().get("/metrics").get_data(as_text=True)
    lines = [line for line in told.splitlines() if line.startswith("qa_http_requests_total")]
    count = sum(float(line.split()[-1]) for line in lines)
    failed = [line for line in lines if 'status="5' in line and float(line.split()[-1])]
    with capsys.disabled():
        print(f"\n{count:.0f} requests, {len(failed)} kinds of failure")  # noqa: T201
    assert not failed
