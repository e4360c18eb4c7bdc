"""WHOIS servers that whois.iana.org referred to, and when it was queried: once a day for each suffix, across restarts."""

from __future__ import annotations

import json
from collections.abc import Iterator

#: Seconds between two queries about one suffix.
EVERY = 86_400.0
#: Most suffixes remembered.
LIMIT = 5000


class Referrals:
    """When IANA was queried about each suffix, in epoch seconds, and the server that it named, "" for none."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[float, str]] = {}
        self.changed = False

    def may_query(self, suffix: str, now: float) -> bool:
        """Whether the last query about a suffix is at least a day old."""
        return now - self._rows.get(suffix, (-EVERY, ""))[0] >= EVERY

    def note_query(self, suffix: str, now: float) -> None:
        """Note that IANA is queried about a suffix; without room the oldest row is dropped."""
        self._rows = {other: row for other, row in self._rows.items() if now - row[0] < EVERY}
        if len(self._rows) >= LIMIT:
            del self._rows[min(self._rows, key=lambda other: self._rows[other][0])]
        self._rows[suffix] = (now, "")
        self.changed = True

    def forget_query(self, suffix: str) -> None:
        """Forget the query about a suffix that was never sent."""
        self.changed |= self._rows.pop(suffix, None) is not None

    def note_server(self, suffix: str, host: str, now: float) -> None:
        """Note the server that IANA named for a suffix."""
        self._rows[suffix] = (self._rows.get(suffix, (now, ""))[0], host)
        self.changed = True

    def named_servers(self) -> Iterator[tuple[str, str]]:
        """The suffixes for which IANA named a server, with that server."""
        return ((suffix, host) for suffix, (_, host) in self._rows.items() if host)

    def take_changed(self) -> str | None:
        """What `from_json` reads back, if it changed."""
        return self.to_json() if self.changed else None

    def to_json(self) -> str:
        """The rows as JSON text for `from_json`; clears `changed`."""
        self.changed = False
        return json.dumps([[suffix, at, host] for suffix, (at, host) in self._rows.items()])

    @classmethod
    def from_json(cls, text: str, now: float) -> Referrals:
        """Restore what `to_json` wrote, without rows that are a day old or of the future; a damaged text gives no rows."""
        found = cls()
        try:
            rows = {str(suffix): (float(at), str(host)) for suffix, at, host in json.loads(text or "[]")[:LIMIT]}
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return found
        found._rows = {suffix: row for suffix, row in rows.items() if 0.0 <= now - row[0] < EVERY}
        return found
