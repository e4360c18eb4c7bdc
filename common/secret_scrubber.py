"""Keeps secrets out of everything that leaves the process: logs, crash dumps, error tracking, messages about settings.

Secrets are recognised by value, not by the name of a field: the text of an exception knows no field names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from common.secret_spellings import match_spellings

MASK = "***"
#: Shorter values are no secrets, and replacing them everywhere would make every text unreadable.
SHORTEST = 4
#: Deepest structure followed; what lies deeper is replaced by its mask.
DEPTH = 12

#: Parameters of a query that are what a bearer token is in a header.
_TOKENS = frozenset({"access_token", "auth_token", "bearer_token", "token"})
#: A word as programmers name things, a version, or a small number: nothing that has to be kept secret.
_PLAIN = re.compile(r"[a-z]{1,16}(?:[._-][a-z]{1,16}){0,3}|v?[0-9]{1,4}")
_PLAIN_PATH = re.compile(rf"/?|(?:/(?:{_PLAIN.pattern}))*/?")
_URL = re.compile(r"://[^\s\"'<>\\]+")


class Scrubber:
    """Replaces the given values, in any case and however they are escaped, and user names, passwords and queries in URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(match_spellings, known)), re.IGNORECASE) if known else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._secrets:
            text = self._secrets.sub(MASK, text)
        return _URL.sub(_mask_url, text) if "://" in text else text

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


def shown_url(text: str) -> str:
    """A text in which of each URL only scheme, host and port are left, as in `https://hooks.example/...`.

    For URLs that the operator sets: user, path and query may each hold a secret, and which one does only the other side knows.
    """
    return _URL.sub(_show_authority, text) if "://" in text else text


def find_credentials(url: str) -> set[str]:
    """What may be a secret in a URL, as written and decoded: the password, and what is no plain word in path and query.

    Of a database's URL passwords alone, that of the user and those in the query: the rest is for everybody to see.
    """
    try:
        parts = urlsplit(url)
        password = parts.password or ""
    except ValueError:
        return set()
    if parts.scheme.startswith("postgres"):
        named = {value for name, value in parse_qsl(parts.query) if name.endswith("password")}
        return {form for text in (password, *named) for form in (text, unquote(text)) if len(text) >= SHORTEST}
    path = "" if _PLAIN_PATH.fullmatch(parts.path) else parts.path
    pieces = [piece for piece in path.split("/") if not _PLAIN.fullmatch(piece)]
    values = [value for _, value in parse_qsl(parts.query) if not _PLAIN.fullmatch(value)]
    found = {password, path, *pieces, *values}
    return {form for text in found for form in (text, unquote(text)) if len(text) >= SHORTEST}


def brings_credentials(url: str) -> bool:
    """Whether a URL authenticates by itself: a user, a password, or a token in the query (RFC 6750 section 2.3)."""
    parts = urlsplit(url)
    return bool(parts.username or parts.password) or any(name.lower() in _TOKENS for name, _ in parse_qsl(parts.query))


def _show_authority(match: re.Match[str]) -> str:
    authority, mark, rest = re.match(r"([^/?#]*)([/?#]?)(.*)", match.group()[3:], re.DOTALL).groups()  # type: ignore[union-attr]
    return f"://{authority.rpartition('@')[2]}{'/...' if mark and (rest or mark != '/') else mark}"


def _mask_url(match: re.Match[str]) -> str:
    rest = match.group()[3:]
    rest, question, _ = rest.partition("?")
    authority, slash, path = rest.partition("/")
    _, at, host = authority.rpartition("@")
    return "://" + (f"{MASK}@{host}" if at else authority) + slash + path + (f"?{MASK}" if question else "")
