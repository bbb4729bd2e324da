"""Prometheus metrics: requests counted here as they pass, the queue read from the store when it is asked for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .jobs import Jobs
from .webhooks import Webhooks

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)  # seconds


class Metrics:
    """One registry of one service."""

    def __init__(self, jobs: Jobs, webhooks: Webhooks) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "vitascope_requests", "HTTP requests.", ["handler", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "vitascope_request_seconds",
            "Time to answer HTTP requests.",
            ["handler"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_Stores(jobs, webhooks))

    def observe(self, handler: str, method: str, status: int, seconds: float) -> None:
        method = method if method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH") else "other"
        self.requests.labels(handler, method, str(status)).inc()
        self.seconds.labels(handler).observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class _Stores(Collector):
    def __init__(self, jobs: Jobs, webhooks: Webhooks) -> None:
        self.jobs, self.webhooks = jobs, webhooks

    def describe(self) -> list:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("vitascope_jobs", "Jobs by status.", labels=["status"])
        for status, count in (
            {"queued": 0, "in_progress": 0, "completed": 0, "failed": 0} | self.jobs.counts()
        ).items():
            jobs.add_metric([status], count)
        yield jobs
        yield GaugeMetricFamily(
            "vitascope_queue_oldest_seconds", "How long the first job waits.", value=self.jobs.oldest()
        )
        yield GaugeMetricFamily(
            "vitascope_seconds_per_second",
            "Seconds that a second of video takes.",
            value=self.jobs.queue().pace or float("nan"),
        )
        yield GaugeMetricFamily(
            "vitascope_webhooks_pending", "Events not yet delivered.", value=self.webhooks.pending()
        )
