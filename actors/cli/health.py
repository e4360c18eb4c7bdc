"""`domain-monitor health`: asks the control process of this host, for a container's HEALTHCHECK. Needs no curl in the image.

It runs every half minute, so it loads little (a test says what).
"""

from __future__ import annotations

import json
from typing import Any

from common.clients.local_http import fetch_local
from common.clock import iso
from common.config import Settings
from common.errors import ClientError

#: Seconds to wait for each part of the answer.
TIMEOUT = 5.0
#: Most problems and instances printed, and latest moment that can be shown as a date, in epoch seconds.
MOST, LATEST = 20, 1e11

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a server listens on is no address to connect to


def run(settings: Settings) -> int:
    """Print how it is, what is wrong and, where there are several, how each instance is.

    0 when healthy or degraded, 1 when a restart can help or nothing answers.
    """
    host, port = control_address(settings)
    try:
        status, body = fetch_local(host, port, "/health", TIMEOUT)
    except ClientError as error:
        print(f"unhealthy: no answer from {host}:{port}: {error}")
        return 1
    healthy = status == 200
    print(f"{'healthy' if healthy else 'unhealthy'}: {status}{_details(body)}")
    return 0 if healthy else 1


def control_address(settings: Settings) -> tuple[str, int]:
    """Host and port at which the control process of this host can be asked."""
    return _EVERYWHERE.get(settings.control_host, settings.control_host), settings.control_port


def _details(body: bytes) -> str:
    """What the answer says is wrong, each problem on a line, and how the instances are."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    head = "; ".join(str(value[key]) for key in ("status", "detail") if value.get(key))
    problems = value.get("problems")
    lines = [_problem(row) for row in problems[:MOST]] if isinstance(problems, list) else []
    first = f" {ascii(head[:500])[1:-1]}" if head else ""
    return "\n- ".join([first, *(ascii(line[:1000])[1:-1] for line in lines)]) + _instances(value.get("instances"))


def _instances(rows: object) -> str:
    """Every instance, which one leads and how each is doing; nothing of a single one."""
    if not isinstance(rows, list) or len(rows) < 2:
        return ""
    shown = [row for row in rows[:MOST] if isinstance(row, dict)]
    texts = (f"{row.get('instance')} ({_role(row)}, {row.get('status')})" for row in shown)
    return "\ninstances: " + ", ".join(ascii(text[:200])[1:-1] for text in texts)


def _role(row: dict[str, Any]) -> str:
    """Its role, with the shards that it leads where the watch list has several."""
    shards = row.get("leads")
    if not isinstance(shards, list) or not shards:
        return str(row.get("role"))
    of = f" of shard{'s' * (len(shards) > 1)} {', '.join(map(str, shards))}"
    return f"{row.get('role')}{of}"


def _problem(row: object) -> str:
    """What is wrong, since when, and what to do."""
    if not isinstance(row, dict) or "what" not in row:
        return str(row)
    since = row.get("since")
    begun = f" Since {iso(since)}." if isinstance(since, float) and 0 < since < LATEST else ""
    return f"{row.get('what')}{begun} {row.get('remedy')}"
