"""IANA's list of RDAP servers (RFC 9224), fetched politely: conditionally, never before it is due, at most four times a day.

The last good file is kept in STATE_DIR and outlives every failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from common.clients.http import HttpClient
from common.config import Settings
from common.core.directory import BOOTSTRAP_LIMIT, Bases, built_in, check_loss, parse_bootstrap
from common.core.parsers.bounded_json import loads
from common.core.parsers.retry_after import http_date
from common.errors import ClientError

#: Seconds between two attempts, successful or not.
SHORTEST = 6 * 3600.0
#: Longest that a copy counts as fresh, in seconds, whatever the server says.
LONGEST = 7 * 86_400.0
_SECONDS = 30.0

_MAX_AGE = re.compile(r"max-age\s{0,3}=\s{0,3}\"?(\d{1,9})", re.ASCII)


class Bootstrap:
    """Keeps one copy of the list. `now` gives epoch seconds; `error` says why the last attempt failed, "" where it did not."""

    def __init__(self, settings: Settings, client: HttpClient, now: Callable[[], float]) -> None:
        self._url = settings.rdap_bootstrap_url
        self._client = client
        self._now = now
        self._path = cache_file(settings)
        self._cache = _read(self._path)
        if self._cache.get("url") != self._url:
            self._cache = {}
        self.error = ""

    def due(self) -> bool:
        """Whether it is time for an attempt."""
        return self._now() >= float(self._cache.get("next_at", 0.0))

    async def refresh(self) -> Bases | None:
        """Make an attempt where one is due. A new list, or None where nothing changed, nothing is due, or `error` says why."""
        if not self.due():
            return None
        self.error = ""
        wait = SHORTEST
        found: Bases | None = None
        try:
            found, wait = await self._fetch()
        except (ClientError, ValueError) as error:
            self.error = f"RDAP bootstrap not taken: {error}"
        self._cache |= {"url": self._url, "next_at": self._now() + wait}
        self._write()
        return found

    async def _fetch(self) -> tuple[Bases | None, float]:
        headers = {"Accept": "application/json"}
        if "body" in self._cache:
            known = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
            headers |= {name: str(self._cache[key]) for name, key in known if self._cache.get(key)}
        answer = await self._client.request("GET", self._url, headers=headers, limit=BOOTSTRAP_LIMIT, seconds=_SECONDS)
        wait = _fresh_for(answer.headers, self._now())
        if answer.status == 304 and "body" in self._cache:
            return None, wait
        if answer.status != 200 or answer.truncated:
            raise ClientError(f"HTTP {answer.status}" + (", too large" if answer.truncated else ""))
        found = parse_bootstrap(answer.body)
        check_loss(_bases(self._cache) or built_in(), found)
        self._cache = {
            "etag": answer.headers.get("etag", "")[:200],
            "last_modified": answer.headers.get("last-modified", "")[:100],
            "body": answer.body.decode(),
        }
        return found, wait

    def _write(self) -> None:
        # A full disk must not stop the service: the copy in memory still works.
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps(self._cache), encoding="utf-8")
            draft.replace(self._path)


def cached(settings: Settings) -> Bases | None:
    """The last good list that was kept for RDAP_BOOTSTRAP_URL; None without one, or where the file is broken."""
    cache = _read(cache_file(settings))
    return _bases(cache) if cache.get("url") == settings.rdap_bootstrap_url else None


def cache_file(settings: Settings) -> Path:
    """Where the copy is kept."""
    return settings.state_dir / "rdap_bootstrap.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            found = loads(stream.read(2 * BOOTSTRAP_LIMIT + 1), 2 * BOOTSTRAP_LIMIT)
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict) or not isinstance(found.get("next_at"), (int, float)):
        return {}
    return found


def _bases(cache: dict[str, Any]) -> Bases | None:
    body = cache.get("body")
    try:
        return parse_bootstrap(body.encode()) if isinstance(body, str) else None
    except ValueError:
        return None


def _fresh_for(headers: dict[str, str], now: float) -> float:
    """Seconds until the next attempt, by Cache-Control or else Expires (RFC 9111), within our own bounds."""
    seconds = 0.0
    if age := _MAX_AGE.search(headers.get("cache-control", "").lower()[:500]):
        seconds = float(age[1])
    elif (expires := http_date(headers.get("expires", "")[:64])) is not None:
        seconds = expires - now
    return min(max(seconds, SHORTEST), LONGEST)
