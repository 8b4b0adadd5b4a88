"""What a worker tells on 127.0.0.1: `/health` as JSON (503 while it takes no work) and `/metrics` for Prometheus.

Other users of the machine can read it: it tells states and numbers, no names of tasks and no addresses.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """A worker as it is now. `trouble`: why it takes no work, in words; empty while it does."""

    pool: str
    version: str
    sandbox: str
    slots: int
    busy: int
    ended: dict[str, int]  # how attempts ended here: verdicts, and `released`
    uptime_s: float
    invite_expires_s: float  # from now; negative when it is over
    draining: bool
    trouble: str

    @property
    def ok(self) -> bool:
        return not self.trouble and not self.draining


class _Metrics(Collector):
    def __init__(self, look: Callable[[], Health]) -> None:
        self._look = look

    def collect(self) -> list[Metric]:
        health = self._look()
        ended = CounterMetricFamily("codalab_worker_attempts", "Attempts that ended here, by how", labels=["outcome"])
        for outcome, number in sorted(health.ended.items()):
            ended.add_metric([outcome], number)
        gauges = (
            ("up", "1 while the worker takes work", float(health.ok)),
            ("slots", "Tasks it can run at the same time", health.slots),
            ("busy", "Tasks it runs now", health.busy),
            ("uptime_seconds", "Seconds since it started", health.uptime_s),
            ("invite_expires_seconds", "Seconds until its invite ends", health.invite_expires_s),
        )
        return [ended, *(GaugeMetricFamily(f"codalab_worker_{name}", told, value) for name, told, value in gauges)]


class HealthPage:
    """Serves until `close`; `port` says where. Raises OSError when a port that was asked for is taken."""

    def __init__(self, look: Callable[[], Health], port: int = 0) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Metrics(look))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/health":
                    health = look()
                    body = json.dumps({"ok": health.ok, **asdict(health)}).encode()
                    self._answer(200 if health.ok else 503, "application/json", body)
                elif self.path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
                else:
                    self._answer(404, "text/plain", b"/health or /metrics\n")

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                log.debug(format, *args)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
