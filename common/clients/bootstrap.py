"""IANA's list of RDAP servers (RFC 9224), fetched politely: conditionally, never before it is due, at most four times a day.

The last good file is kept in STATE_DIR and outlives every failure.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from common.clients.bootstrap_copy import SHORTEST_INTERVAL, bases_in, read_copy, write_copy
from common.clients.http_client import HttpClient
from common.config import Settings
from common.core.parsers.retry_after import parse_http_date
from common.core.registries.directory import BOOTSTRAP_LIMIT, Bases, built_in_bootstrap, check_loss, parse_bootstrap
from common.errors import ClientError

#: Longest that a copy counts as fresh, in seconds, whatever the server says.
LONGEST = 7 * 86_400.0
_SECONDS = 30.0

_MAX_AGE = re.compile(r"max-age\s{0,3}=\s{0,3}\"?(\d{1,9})", re.ASCII)


class BootstrapClient:
    """Keeps one copy of the list. `now` gives epoch seconds; `error` says why the last attempt failed, "" where it did not."""

    def __init__(self, settings: Settings, client: HttpClient, now: Callable[[], float]) -> None:
        self._settings = settings
        self._url = settings.rdap_bootstrap_url
        self._client = client
        self._now = now
        self._cache = read_copy(settings)
        self.error = ""

    @property
    def next_at(self) -> float:
        """When the next attempt is due, epoch seconds."""
        return float(self._cache.get("next_at", 0.0))

    def is_due(self) -> bool:
        """Whether it is time for an attempt."""
        return self._now() >= self.next_at

    async def refresh(self) -> Bases | None:
        """Make an attempt where one is due. A new list, or None where nothing changed, nothing is due, or `error` says why."""
        if not self.is_due():
            return None
        self.error = ""
        wait = SHORTEST_INTERVAL
        found: Bases | None = None
        try:
            found, wait = await self._fetch()
        except (ClientError, ValueError) as error:
            self.error = f"RDAP bootstrap not taken: {error}"
        self._cache |= {"url": self._url, "next_at": self._now() + wait}
        try:
            write_copy(self._settings, self._cache)
        except OSError as error:
            self.error = f"RDAP bootstrap not kept: {error.strerror}"
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
        check_loss(bases_in(self._cache) or built_in_bootstrap(), found)
        self._cache = {
            "etag": answer.headers.get("etag", "")[:200],
            "last_modified": answer.headers.get("last-modified", "")[:100],
            "body": answer.body.decode(),
        }
        return found, wait


def _fresh_for(headers: dict[str, str], now: float) -> float:
    """Seconds until the next attempt, by Cache-Control or else Expires (RFC 9111), within our own bounds."""
    seconds = 0.0
    if age := _MAX_AGE.search(headers.get("cache-control", "").lower()[:500]):
        seconds = float(age[1])
    elif (expires := parse_http_date(headers.get("expires", "")[:64])) is not None:
        seconds = expires - now
    return min(max(seconds, SHORTEST_INTERVAL), LONGEST)
