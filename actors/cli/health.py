"""`domain-monitor health`: asks the control process of this host, for a container's HEALTHCHECK. Needs no curl in the image.

It runs every half minute, so it loads little (a test says what).
"""

from __future__ import annotations

import json

from common.clients.probe import get
from common.config import Settings
from common.errors import ClientError

#: Seconds to wait for each part of the answer.
TIMEOUT = 5.0

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a server listens on is no address to connect to


def run(settings: Settings) -> int:
    """Print one line; 0 when healthy, 1 when not or when nobody answers."""
    host = _EVERYWHERE.get(settings.control_host, settings.control_host)
    try:
        status, body = get(host, settings.control_port, "/health", TIMEOUT)
    except ClientError as error:
        print(f"unhealthy: no answer from {host}:{settings.control_port}: {error}")
        return 1
    healthy = status == 200
    print(f"{'healthy' if healthy else 'unhealthy'}: {status}{_details(body)}")
    return 0 if healthy else 1


def _details(body: bytes) -> str:
    """What the answer says is wrong, on one line."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    parts = [value.get(key) for key in ("status", "problems", "detail")] if isinstance(value, dict) else []
    text = "; ".join(", ".join(map(str, part)) if isinstance(part, list) else str(part) for part in parts if part)
    return f" {ascii(text[:500])[1:-1]}" if text else ""
