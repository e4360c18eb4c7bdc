"""`domain-monitor health`: asks the control process of this host, for a container's HEALTHCHECK. Needs no curl in the image."""

from __future__ import annotations

import http.client

import msgspec

from common.config import Settings

#: Seconds to wait for the answer, and most bytes read of it.
TIMEOUT, LIMIT = 5.0, 65_536

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a server listens on is no address to connect to


def run(settings: Settings) -> int:
    """Print one line; 0 when healthy, 1 when not or when nobody answers."""
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
    """What the answer says is wrong, on one line."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return ""
    parts = [value.get(key) for key in ("status", "problems", "detail")] if isinstance(value, dict) else []
    text = "; ".join(", ".join(map(str, part)) if isinstance(part, list) else str(part) for part in parts if part)
    return f" {ascii(text[:500])[1:-1]}" if text else ""
