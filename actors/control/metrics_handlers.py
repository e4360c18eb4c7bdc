"""/metrics, as JSON and for Prometheus, its reset, and the middleware that counts our own requests."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from actors.control import metrics_report
from actors.control.context import CONTROL, Control, control_of
from actors.control.http_problems import Handler
from actors.control.query_params import Flag
from actors.control.render import json_response
from actors.control.status_handlers import library_versions
from common.core.coordinator.merged_status import merge_metrics
from common.core.telemetry import prometheus
from common.core.telemetry.declared_counters import declare_counters
from common.core.telemetry.metrics import MAX_SERIES, Metrics

FLAGS = {
    part: Flag(f"include_{part}", default=True, help=f"whether {part.replace('_', ' ')} are included")
    for part in ("timers", "counters", "gauges", "api", "check_results")
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


async def get_metrics(request: web.Request) -> web.Response:
    """GET /metrics: JSON, or the Prometheus text where the Accept header prefers that."""
    if _prefers_text(request.headers.get("Accept", "")):
        return await get_prometheus(request)
    control = control_of(request)
    wanted = {part: flag.read(request) for part, flag in FLAGS.items()}
    return json_response(
        metrics_report.render_metrics(await _take_snapshot(control), control.now(), _started_at(control), wanted)
    )


async def get_prometheus(request: web.Request) -> web.Response:
    """GET /metrics/prometheus."""
    body = prometheus.render_exposition(await _take_snapshot(control_of(request), apart=True)).encode()
    return web.Response(body=body, headers={"Content-Type": prometheus.CONTENT_TYPE})


async def reset_metrics(request: web.Request) -> web.Response:
    """GET or POST /metrics/reset: the coordinator is told, our own counts begin again at once."""
    control = control_of(request)
    control.send_command("reset_metrics")
    control.metrics.reset(control.now())
    return json_response({"accepted": True, "timestamp": control.now()}, 202)


@web.middleware
async def count_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count each request by its route template (never by its path), and time it; a stream is timed by its whole length."""
    control = request.app[CONTROL]
    started = control.monotonic()
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        resource = request.match_info.route.resource
        labels = {
            "route": resource.canonical if resource is not None else "other",
            "method": request.method if request.method in _METHODS else "other",
        }
        control.metrics.count(metrics_report.API_COUNTER, 1, **labels, status=status)
        if "text/event-stream" not in request.headers.get("Accept", ""):
            control.metrics.observe(metrics_report.API_TIMER, control.monotonic() - started, **labels)
    return response


async def _take_snapshot(control: Control, *, apart: bool = False) -> dict[str, Any]:
    """All metrics. Gauges first: should there be too many series, the picture of now is kept.

    `apart`: what coordinators count has the label `shard` where there are several. Each begins anew by itself, and a sum that
    falls by the count of one would look as if all had.
    """
    status, statuses = control.live.latest_status(), control.live.latest_statuses()
    total = Metrics(series=MAX_SERIES * (len(statuses) + 1 if len(statuses) > 1 else 1))
    if status is not None:
        age, content = status
        metrics_report.add_status(total, content, control.now() - age)
    metrics_report.add_heartbeats(total, await control.heartbeats())
    total.gauge("sse_clients", control.live.client_count)
    metrics_report.add_problems(total, (await control.assess_health()).problems)
    known = library_versions()
    total.gauge("build_info", 1, version=known["domain-monitor"], python=known["python"])
    declare_counters(total)
    total.merge_snapshot(control.metrics.snapshot())
    if apart and len(statuses) > 1:
        metrics_report.add_shards(total, statuses)
    else:
        total.merge_snapshot(merge_metrics(statuses))
    return total.snapshot()


def _started_at(control: Control) -> float:
    """When the coordinator was started, in epoch seconds; until it is heard, when this process was."""
    status = control.live.latest_status()
    started = status.content.get("started_at") if status is not None else None
    return started if isinstance(started, int | float) else control.started_at


def _prefers_text(accept: str) -> bool:
    """Whether Prometheus' formats come before JSON in an Accept header."""
    quality = {"text": 0.0, "json": 0.0}
    for part in accept.split(",")[:20]:
        media, _, parameters = part.partition(";")
        kind = {
            "text/plain": "text",
            "application/openmetrics-text": "text",
            "application/json": "json",
            "*/*": "json",
            "application/*": "json",
        }.get(media.strip().lower())
        if kind:
            quality[kind] = max(quality[kind], _quality(parameters) * (0.5 if media.strip() == "*/*" else 1.0))
    return quality["text"] > quality["json"]


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
