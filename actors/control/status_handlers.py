"""How the instance is doing: /health, /ready and /status."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from aiohttp import web

from actors.control.context import Control, control_of
from actors.control.http_problems import Problem
from actors.control.render import json_response
from actors.control.request_security import is_loopback_host
from common.core.coordinator.merged_status import ShardStatus


async def get_health(request: web.Request) -> web.Response:
    """GET /health: 503 where a restart can help; 200 else, with whatever is wrong in `problems`."""
    control = control_of(request)
    report = await control.assess_health()
    body = {"timestamp": control.now(), **report.to_json(), "instances": report.instances}
    return json_response(body, 200 if report.ok else 503)


async def get_ready(request: web.Request) -> web.Response:
    """GET /ready: 200 while names are being watched, 503 with the causes where they are not, or not yet."""
    control = control_of(request)
    report = await control.assess_health()
    reasons = report.unwatched_reasons() or unready_reasons(control.live.latest_statuses())
    if await control.store.newest_seq() is None and not any(p.code.startswith("store") for p in report.problems):
        reasons.append("The state is not there yet.")
    problems = [problem.to_map() for problem in report.problems if problem.unwatched]
    return json_response({"ready": not reasons, "reasons": reasons, "problems": problems}, 503 if reasons else 200)


async def get_status(request: web.Request) -> web.Response:
    """GET /status: everything at a glance; counts come from the coordinator, not from a scan."""
    control = control_of(request)
    report = await control.assess_health()
    heard = control.live.latest_status()
    content = {} if heard is None else {key: value for key, value in heard.content.items() if key != "metrics"}
    last_seq, engine = await control.store.newest_seq_and_engine()
    answer: dict[str, Any] = {
        "timestamp": control.now(),
        "instance": control.settings.instance_id,
        "health": report.to_json(),
        "coordinator": {"age": None if heard is None else heard.age, **content},
        "instances": report.instances,
        "store": {"available": last_seq is not None, "last_seq": last_seq, "engine": engine},
        "not_configured": [*_sentences(content.get("missing")), *_own_missing(control)],
        "sse_clients": control.live.client_count,
        "versions": library_versions(),
    }
    if "domains" not in content:
        answer["coordinator"]["domains"] = await _count_in_store(control)
    return json_response(answer)


def unready_reasons(statuses: Sequence[ShardStatus | None]) -> list[str]:
    """Why names go unwatched where nothing is wrong: at a start. By the last statuses of all shards."""
    unheard = [shard for shard, status in enumerate(statuses) if status is None]
    unread = [shard for shard, status in enumerate(statuses) if status is not None and status.content.get("ready") is not True]
    divided = len(statuses) > 1
    reasons = [f"The coordinator{_of_shards(unheard, divided=divided)} has not been heard yet."] if unheard else []
    return reasons + ([f"The list of names{_of_shards(unread, divided=divided)} has not been read yet."] if unread else [])


def _of_shards(shards: Sequence[int], *, divided: bool) -> str:
    return f" of shard {', '.join(map(str, shards))}" if divided else ""


@lru_cache(maxsize=1)
def library_versions() -> dict[str, str]:
    """Ourselves, Python and the libraries that matter in a bug report."""
    found = {"python": platform.python_version()}
    for package in ("domain-monitor", "aiohttp", "pyzmq", "msgspec"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


async def _count_in_store(control: Control) -> dict[str, Any]:
    """Counts from the store, for as long as the coordinator is silent."""
    try:
        by_state = await control.store.read(lambda reader: reader.count_by_state())
    except Problem:
        by_state = {}
    return {"total": sum(by_state.values()), "by_state": by_state}


def _own_missing(control: Control) -> list[str]:
    settings = control.settings
    if settings.control_token or settings.control_trust_gateway or is_loopback_host(settings.control_host):
        return []
    reads, verb = ("", "is") if settings.read_token else (" and READ_TOKEN", "are")
    refused = "changing calls" if settings.read_token else "calls"
    return [f"CONTROL_TOKEN{reads} {verb} not set, so {refused} from other machines are refused."]


def _sentences(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
