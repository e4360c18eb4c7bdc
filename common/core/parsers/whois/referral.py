"""Find the WHOIS server that whois.iana.org names for a top-level domain."""

from __future__ import annotations

import re

from common.core.parsers.whois.lines import split_lines

_HOST = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){1,8}(?::\d{1,5})?", re.ASCII
)
#: `whois:` belongs to the record of the suffix, `refer:` is the hint above it.
_LABELS = ("whois:", "refer:")


def referral_of(text: str) -> str | None:
    """The "host" or "host:port" that the answer refers to, None where it names none. Total; the host is untrusted input."""
    lines = [line.strip().lower() for line in split_lines(text)[:400]]
    for label in _LABELS:
        for line in lines:
            if line.startswith(label):
                host = line[len(label) :].strip().rstrip(".")
                if len(host) <= 253 and _HOST.fullmatch(host):
                    return host
    return None
