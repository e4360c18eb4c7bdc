"""`domain-monitor health`: asks the control process of this host, for a container's HEALTHCHECK. Needs no curl in the image."""

from __future__ import annotations

import http.client

import msgspec

from common.clock import iso
from common.config import Settings

#: Seconds to wait for the answer, and most bytes read of it.
TIMEOUT, LIMIT = 5.0, 65_536
#: Most problems printed, and latest moment that can be shown as a date, in epoch seconds.
MOST, LATEST = 20, 1e11

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a server listens on is no address to connect to


def run(settings: Settings) -> int:
    """Print one line, and one for each problem; 0 when healthy or degraded, 1 when a restart can help or nothing answers."""
    host = _EVERYWHERE.get(settings.control_host, settings.control_host)
    connection = http.client.HTTPConnection(host, settings.control_port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/health", headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read(LIMIT)
    except (OSError, http.client.HTTPException) as error:
        print(f"unhealthy: no answer from {host}:{settings.control_port}: {error}")
        return 1
    finally:
        connection.close()
    healthy = answer.status == 200
    print(f"{'healthy' if healthy else 'unhealthy'}: {answer.status}{_details(body)}")
    return 0 if healthy else 1


def _details(body: bytes) -> str:
    """What the answer says is wrong, each problem on a line."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    head = "; ".join(str(value[key]) for key in ("status", "detail") if value.get(key))
    problems = value.get("problems")
    lines = [_problem(row) for row in problems[:MOST]] if isinstance(problems, list) else []
    first = f" {ascii(head[:500])[1:-1]}" if head else ""
    return "\n- ".join([first, *(ascii(line[:1000])[1:-1] for line in lines)])


def _problem(row: object) -> str:
    """What is wrong, since when, and what to do."""
    if not isinstance(row, dict) or "what" not in row:
        return str(row)
    since = row.get("since")
    begun = f" Since {iso(since)}." if isinstance(since, float) and 0 < since < LATEST else ""
    return f"{row.get('what')}{begun} {row.get('remedy')}"
