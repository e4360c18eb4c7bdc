"""The kept copy of IANA's list of RDAP servers (RFC 9224): one file in STATE_DIR that outlives every failure.

Apart from what fetches it, so that reading the copy loads no HTTP client.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from common.config import Settings
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.registries.directory import BOOTSTRAP_LIMIT, Bases, parse_bootstrap

#: Seconds between two attempts, successful or not.
SHORTEST_INTERVAL = 6 * 3600.0


def load_kept_bases(settings: Settings) -> Bases | None:
    """The last good list that was kept for RDAP_BOOTSTRAP_URL; None without one, or where the file is broken."""
    return bases_in(read_copy(settings))


def next_attempt_at(settings: Settings) -> float:
    """When the next attempt to fetch it is due, epoch seconds; 0 where there never was one."""
    return float(read_copy(settings).get("next_at", 0.0))


def copy_path(settings: Settings) -> Path:
    """Where the copy is kept."""
    return settings.state_dir / "rdap_bootstrap.json"


def read_copy(settings: Settings) -> dict[str, Any]:
    """The copy: `url`, `next_at`, and after the first success `body`, `etag`, `last_modified`; empty for another URL."""
    try:
        with copy_path(settings).open("rb") as stream:
            found = parse_bounded_json(stream.read(2 * BOOTSTRAP_LIMIT + 1), 2 * BOOTSTRAP_LIMIT)
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict) or not isinstance(found.get("next_at"), (int, float)):
        return {}
    return found if found.get("url") == settings.rdap_bootstrap_url else {}


def write_copy(settings: Settings, copy: dict[str, Any]) -> None:
    """Replace what is kept. Raises OSError; then the earlier copy is still there."""
    path = copy_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(copy), encoding="utf-8")
    draft.replace(path)


def bases_in(copy: dict[str, Any]) -> Bases | None:
    """The servers in a copy; None where it has none."""
    body = copy.get("body")
    try:
        return parse_bootstrap(body.encode()) if isinstance(body, str) else None
    except ValueError:
        return None
