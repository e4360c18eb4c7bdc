"""Other places for publications, as a file of the operator names them: a mirror of their own, or a laboratory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from common.core.builtin.publication_rows import BY_NAME
from common.core.model.publication import Publication
from common.core.parsers.bounded_json import parse_bounded_json

#: Largest file, in bytes.
FILE_LIMIT = 256 * 1024
_FIELDS = {"url", "server", "every", "least", "tsig"}
_TSIG_FIELDS = {"name", "secret", "algorithm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a file says about one publication; what is None stays as it is built in.

    `every` is the least interval between two readings in seconds; where it is given there is no hour of renewal. `tsig` is the
    key that a name server wants: name, secret in base64, algorithm.
    """

    url: str | None = None
    server: str | None = None
    every: float | None = None
    least: int | None = None
    tsig: tuple[str, str, str] | None = None

    def __repr__(self) -> str:
        return f"Place(url={self.url!r}, server={self.server!r})"


NO_PLACE = Place()


def parse_places(content: bytes) -> dict[str, Place]:
    """Parse a JSON object {"publication": {"url", "server", "every", "least", "tsig": {"name", "secret", "algorithm"}}}.

    Raises ValueError with the entry that is wrong; it repeats no secret.
    """
    document = parse_bounded_json(content, FILE_LIMIT)
    if not isinstance(document, dict):
        raise ValueError('must be an object {"publication": {"url": ...}}')  # noqa: TRY004 - the file is wrong, not the call
    found = {}
    for name, row in document.items():
        if name not in BY_NAME:
            raise ValueError(f"{name[:80]!r}: no such publication; there are {', '.join(BY_NAME)}")
        if not isinstance(row, dict) or not set(row) <= _FIELDS:
            raise ValueError(f"{name}: must be an object with some of {', '.join(sorted(_FIELDS))}")
        try:
            found[name] = _parse_place(row)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def move_publication(publication: Publication, place: Place) -> Publication:
    """The publication as it is read from a place."""
    return replace(
        publication,
        url=publication.url if place.url is None else place.url,
        server=publication.server if place.server is None else place.server,
        every=publication.every if place.every is None else place.every,
        hour=publication.hour if place.every is None else None,
        least=publication.least if place.least is None else place.least,
    )


def _parse_place(row: Mapping[str, Any]) -> Place:
    url, server = row.get("url"), row.get("server")
    if url is not None and not _is_url(url):
        raise ValueError("url must be an http or https URL without user and password")
    if server is not None and not (isinstance(server, str) and 0 < len(server) <= 260 and server.isascii()):
        raise ValueError("server must be host[:port]")
    every, least = row.get("every"), row.get("least")
    if every is not None and not (_is_number(every) and 1 <= every <= 1e8):
        raise ValueError("every must be seconds, at least 1")
    if least is not None and not (isinstance(least, int) and _is_number(least) and 0 <= least <= 10**9):
        raise ValueError("least must be a number of names")
    return Place(url=url, server=server, every=every, least=least, tsig=_parse_key(row.get("tsig")))


def _parse_key(row: object) -> tuple[str, str, str] | None:
    if row is None:
        return None
    texts = isinstance(row, dict) and all(isinstance(text, str) and 0 < len(text) <= 500 for text in row.values())
    if not isinstance(row, dict) or not texts or not {"name", "secret"} <= set(row) <= _TSIG_FIELDS:
        raise ValueError('tsig must be {"name", "secret"} and perhaps "algorithm"')
    return row["name"], row["secret"], row.get("algorithm", "hmac-sha256")


def _is_url(text: object) -> bool:
    if not isinstance(text, str) or len(text) > 2000 or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
