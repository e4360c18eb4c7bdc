"""Channels that do not work: what their answers look like to the parsers, and how long one waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from common.core.model.evidence import Observation, Reading, unknown_reading
from common.core.model.methods import budget_of
from common.core.parsers import rdap, whois

#: How each method can fail for good.
KINDS = {
    "rdap": ("refused", "silence", "throttled", "unavailable", "forbidden", "unknown_text", "garbage", "server_error"),
    "whois": ("refused", "silence", "throttled", "unknown_text", "garbage", "cut", "empty"),
    "dns": ("servfail", "silence", "refused", "garbage"),
}
#: Seconds for which an operator may be left alone after the last such answer, before it is asked again.
BACKOFF = {"throttled": 3600.0, "unavailable": 3600.0, "forbidden": 21_600.0, "refused": 1800.0}
_HTML = {"content-type": "text/html"}
_RDAP = {
    "throttled": (429, {}, b""),
    "unavailable": (503, {}, b""),
    "forbidden": (403, _HTML, b"<html><body>403 Forbidden</body></html>"),
    "unknown_text": (200, {"content-type": "application/rdap+json"}, b'{"objectClassName": "help"}'),
    "garbage": (200, _HTML, b"<html><body>It works!</body></html>"),
    "server_error": (502, _HTML, b"<html><body>502 Bad Gateway</body></html>"),
}
_WHOIS = {
    "throttled": "WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS\r\n",
    "unknown_text": "The registration data of this suffix is published through RDAP only.\r\n",
    "garbage": "\x00\xff\x13\x80\x01\r\n",
    "cut": 'No match for "SOMETHI',
    "empty": "",
}
_DNS = {
    "servfail": (2, unknown_reading("dns_servfail", "the server failed (SERVFAIL)")),
    "refused": (5, unknown_reading("dns_refused", "the server refused the question (REFUSED)")),
    "garbage": (None, unknown_reading("dns_malformed", "not a well-formed DNS message")),
}


@dataclass(frozen=True, slots=True)
class Dead:
    """A channel of a suffix that does not work between two times (epoch seconds)."""

    method: str
    kind: str
    since: float = float("-inf")
    until: float = float("inf")

    def at(self, moment: float) -> bool:
        """Whether it is dead at a moment."""
        return self.since <= moment < self.until

    @property
    def seconds(self) -> float | None:
        """How long one waits for an answer that does not come; None where there is one."""
        return budget_of(self.method) if self.kind == "silence" else None


def answer_of(dead: Dead, domain: str, server: str) -> Observation:
    """What the checker of the method makes of such an answer; the real parsers read it where there is something to read."""
    if dead.kind == "silence":
        return Observation(dead.method, unknown_reading(f"{dead.method}_timeout", "no answer in time"), server=server)
    if dead.method == "dns":
        status, reading = _DNS[dead.kind]
        return Observation("dns", reading, server=server, status=status, refused=dead.kind == "refused")
    if dead.kind == "refused":
        reading = unknown_reading(f"{dead.method}_turned_away", f"{server} refused the connection")
        return Observation(dead.method, reading, server=server, refused=True)
    if dead.method == "whois":
        return Observation("whois", _whois(dead.kind, domain, server), server=server)
    status, headers, body = _RDAP[dead.kind]
    reading = rdap.parse_rdap_answer(status, headers, body, domain)
    return Observation("rdap", reading, server=server, status=status, refused=status in {401, 403})


def _whois(kind: str, domain: str, server: str) -> Reading:
    return whois.parse_whois_answer(_WHOIS[kind], domain, server, strict=True)
