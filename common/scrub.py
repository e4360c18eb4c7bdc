"""Keeps secrets out of everything that leaves the process: logs, crash dumps, error tracking, messages about settings.

Secrets are recognised by value, not by the name of a field: the text of an exception knows no field names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "***"
#: Shorter values are no secrets, and replacing them everywhere would make every text unreadable.
SHORTEST = 4
#: Deepest structure followed; what lies deeper is replaced by its mask.
DEPTH = 12

_URL = re.compile(r"://[^\s\"'<>\\]+")


class Scrubber:
    """Replaces the given values, and user names, passwords and queries in URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._secrets:
            text = self._secrets.sub(MASK, text)
        return _URL.sub(_url, text) if "://" in text else text

    def value(self, value: Any, depth: int = DEPTH) -> Any:
        """A copy of plain data (maps, lists, texts) without secrets; other objects are left as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if not isinstance(value, dict | list | tuple | set | frozenset):
            return value
        if depth == 0:
            return MASK
        if isinstance(value, dict):
            return {self._key(key): self.value(item, depth - 1) for key, item in value.items()}
        return [self.value(item, depth - 1) for item in value]

    def _key(self, key: Any) -> Any:
        return self.text(key) if isinstance(key, str) else key


def scrub_url(text: str) -> str:
    """A text without user names, passwords and queries in its URLs."""
    return Scrubber().text(text)


def _url(match: re.Match[str]) -> str:
    rest = match.group()[3:]
    rest, question, _ = rest.partition("?")
    authority, slash, path = rest.partition("/")
    _, at, host = authority.rpartition("@")
    return "://" + (f"{MASK}@{host}" if at else authority) + slash + path + (f"?{MASK}" if question else "")
