"""Metrics for Prometheus, of all processes of the service together."""

from __future__ import annotations

import os
import platform
import time
from functools import partial
from http import HTTPMethod

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.multiprocess import MultiProcessCollector

from qa import __version__
from qa.types import IndexInfo

__all__ = ["CONTENT_TYPE", "Metrics", "init_app", "render"]

_METHODS = frozenset(HTTPMethod)
# Chosen: fine steps around the few milliseconds of a search.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one app: ``variables`` change while it runs, ``constants`` do not."""

    def __init__(self) -> None:
        self.constants = CollectorRegistry()
        self.variables = CollectorRegistry()
        shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ  # several processes count together
        own = None if shared else self.variables
        if shared:
            MultiProcessCollector(self.variables)  # type: ignore[no-untyped-call]
        self.requests = Counter(
            "qa_http_requests", "Requests answered.", ("method", "route", "status"), registry=own
        )
        self.duration = Histogram(
            "qa_http_request_duration_seconds",
            "Time to answer a request.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=own,
        )
        # The value of the process that was asked last: all processes follow the same index.
        gauge = partial(Gauge, multiprocess_mode="mostrecent", registry=own)
        self.documents = gauge("qa_index_documents", "Documents in the index.")
        self.passages = gauge("qa_index_passages", "Passages in the index.")
        self.failures = gauge("qa_index_failures", "Files, and rows of tables, that could not be read.")
        self.last_success = gauge(
            "qa_index_last_success_timestamp_seconds", "When `qa index` last succeeded."
        )
        Info("qa_build", "The running version.", registry=self.constants).info(
            {"version": __version__, "python": platform.python_version()}
        )


def render(info: IndexInfo | None, last_success: float | None) -> bytes:
    """Return the metrics of the current app and of the index in Prometheus format; NaN without an index."""
    metrics = _metrics()
    unknown = float("nan")
    metrics.documents.set(info.documents if info else unknown)
    metrics.passages.set(info.passages if info else unknown)
    metrics.failures.set(info.failure_count if info else unknown)
    metrics.last_success.set(unknown if last_success is None else last_success)
    return generate_latest(metrics.variables) + generate_latest(metrics.constants)


def init_app(app: Flask) -> None:
    """Measure every request of ``app``."""
    app.extensions["qa.metrics"] = Metrics()
    app.before_request(_start)
    app.after_request(_measure)


def _metrics() -> Metrics:
    metrics: Metrics = current_app.extensions["qa.metrics"]
    return metrics


def _start() -> None:
    g.started = time.perf_counter()


def _measure(response: Response) -> Response:
    metrics = _metrics()
    # The route instead of the path, and known methods only: visitors must not be able to create labels.
    route = request.url_rule.rule if request.url_rule else "unmatched"
    method = request.method if request.method in _METHODS else "OTHER"
    metrics.requests.labels(method, route, response.status_code).inc()
    metrics.duration.labels(method, route).observe(time.perf_counter() - g.started)
    return response
