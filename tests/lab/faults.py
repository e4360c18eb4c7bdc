"""Faults on demand: which server misbehaves how, towards which names, how long or how often.

Server keys: `dns/<suffix>` (`dns/.` the root, `dns/hosting`), `rdap/<suffix>`, `rdap/bootstrap`, `whois/<suffix>`,
`whois/iana`, `whois/elsewhere` (a server that no registry runs), `das/<suffix>`, `epp/<suffix>`, `registrar/<vendor>`,
`registrar/<vendor>/login`, for lies also `registrar/<vendor>/<suffix>`, `web`, `list`, `callback`, `axfr/<zone>`,
`publication/<file>`, `certstream`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: What each kind of server knows how to do wrong.
KINDS: dict[str, frozenset[str]] = {
    "dns": frozenset(
        {"silence", "delay", "garbage", "truncate", "reset", "empty", "servfail", "refused", "throttle"}
        | {"lying-404", "wrong-name", "wrong-id", "wrong-zone", "upward-referral", "forged"}
    ),
    "rdap": frozenset(
        {"silence", "delay", "drip", "garbage", "truncate", "reset", "empty", "throttle", "lying-404", "wrong-name"}
        | {"400", "429", "429-retry-after", "500", "503", "403-html", "404-html", "200-html"}
        | {"oversize", "gzip-bomb", "deep-json", "redirect-loop", "redirect-metadata", "says"}
    ),
    "whois": frozenset(
        {"silence", "delay", "drip", "garbage", "truncate", "cut", "reset", "refused", "empty", "throttle"}
        | {"lying-404", "wrong-name", "oversize", "endless", "says"}
    ),
    "registrar": frozenset(
        {"silence", "delay", "drip", "garbage", "truncate", "reset", "empty", "says", "oversize", "gzip-bomb", "deep-json"}
        | {"400", "401", "403-html", "429", "429-retry-after", "500", "503", "200-html", "redirect-loop", "redirect-metadata"}
        | {"lying-free", "lying-taken", "lying-premium", "wrong-name", "partial"}
        | {"error-credentials", "error-throttled", "error-malformed", "error-other"}
    ),
    "das": frozenset(
        {"silence", "delay", "drip", "garbage", "truncate", "cut", "reset", "refused", "empty", "throttle"}
        | {"lying-404", "wrong-name", "oversize", "endless", "says"}
        | {"429", "429-retry-after", "500", "503", "403-html", "200-html", "redirect-metadata"}  # of those over HTTP
    ),
    "epp": frozenset(
        {"silence", "delay", "garbage", "huge", "wrong-length", "cut", "reset", "bomb", "throttle", "failed", "lying-404"}
        | {"wrong-name", "partial", "login-refused", "session-limit"}
    ),
    "web": frozenset({"silence", "delay", "reset", "500", "redirect-loop", "redirect-metadata"}),
    "list": frozenset(
        {"silence", "delay", "reset", "truncate", "empty", "broken", "shrunk", "huge", "garbage", "401", "429", "500"}
    ),
    "axfr": frozenset(
        {"silence", "cut", "refused", "garbage", "endless", "foreign", "wrong-end", "no-end", "no-start", "unsigned"}
    ),
    "publication": frozenset(
        {"silence", "delay", "reset", "drip", "truncate", "cut", "empty", "shrunk", "stale", "endless", "200-html", "404-html"}
        | {"429", "500", "gzip-bomb", "checksum", "redirect-loop", "redirect-metadata"}
    ),
    "certstream": frozenset({"silence", "garbage", "deep-json", "huge", "full", "close", "500", "redirect"}),
    "callback": frozenset({"silence", "delay", "reset", "drop", "302", "401", "410", "429", "500", "503"}),
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a server says instead, for the fault "says". In `text`, {name} and {NAME} stand for the name asked about.

    {record} and {free} stand for what the WHOIS server prints honestly about a registered and about a free name. `status`
    and `headers` belong to HTTP answers.
    """

    text: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def about(self, name: str, **honest: str) -> str:
        """The text about one name."""
        text = self.text
        for key, value in honest.items():
            text = text.replace("{" + key + "}", value)
        return text.replace("{name}", name).replace("{NAME}", name.upper())


class FaultError(ValueError):
    """No such server or no such fault there."""


@dataclass(slots=True)
class Fault:
    """One misbehaviour. `until` in wall-clock seconds, `left` in answers, `seconds` is the delay or the Retry-After."""

    id: int
    server: str
    kind: str
    names: frozenset[str]  # empty: all
    until: float | None
    left: int | None
    seconds: float | None
    words: Words | None = None
    met: int = 0  # answers it applied to

    def view(self) -> dict[str, object]:
        """As the control API shows it."""
        return {
            "id": self.id,
            "server": self.server,
            "fault": self.kind,
            "names": sorted(self.names),
            "until": self.until,
            "left": self.left,
            "met": self.met,
            "delay": self.seconds,
        }


class FaultTable:
    """The faults in force; the newest that fits wins."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(
        self,
        server: str,
        kind: str,
        *,
        seconds: float | None = None,
        count: int | None = None,
        names: Iterable[str] = (),
        delay: float | None = None,
        words: Words | Mapping[str, Any] | None = None,
    ) -> Fault:
        """Start a fault for `seconds`, for `count` answers, or until cleared. Raises FaultError for an unknown kind.

        `delay` is its parameter in seconds: how long to wait, or what Retry-After says; `words` what "says" says.
        """
        known = KINDS.get(server.partition("/")[0])
        if known is None:
            raise FaultError(f"no server {server!r}")
        if kind not in known:
            raise FaultError(f"{server} cannot do {kind!r}; it knows {', '.join(sorted(known))}")
        if (kind == "says" and words is None) or (words is not None and kind not in {"says", "endless"}):
            raise FaultError('"says" needs words, "endless" takes them, nothing else does')
        if isinstance(words, Mapping):
            words = Words(**words)
        until = None if seconds is None else self._wall() + seconds
        fault = Fault(next(self._ids), server, kind, frozenset(names), until, count, delay, words)
        self._faults.append(fault)
        return fault

    def pick(self, server: str, name: str = "", kinds: Collection[str] | None = None) -> Fault | None:
        """The fault for this answer, of `kinds` where they are given; used up by one where it was counted."""
        for fault in reversed(self.current()):
            fits = fault.server == server and (kinds is None or fault.kind in kinds)
            if fits and (not fault.names or name in fault.names):
                fault.met += 1
                if fault.left is not None:
                    fault.left -= 1
                return fault
        return None

    def refusing(self, servers: Iterable[str]) -> bool:
        """Whether one of `servers` is told to refuse connections."""
        wanted = set(servers)
        return any(fault.kind == "refused" and fault.server in wanted for fault in self.current())

    def current(self) -> list[Fault]:
        """What is in force now."""
        now = self._wall()
        self._faults = [
            fault
            for fault in self._faults
            if (fault.until is None or fault.until > now) and (fault.left is None or fault.left > 0)
        ]
        return list(self._faults)

    def end(self, fault: Fault) -> None:
        """End one fault; harmless where it is over already."""
        self._faults = [other for other in self._faults if other.id != fault.id]

    def clear(self, server: str | None = None) -> int:
        """End all faults, or those of one server; returns how many."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if server is not None and fault.server != server]
        return before - len(self._faults)
