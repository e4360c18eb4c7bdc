"""Names as publications write them, made A-labels (RFC 5890), and what a list may hold beside names."""

from __future__ import annotations

import re

import idna

from common.core.model.publication import Publication
from common.errors import PublicationError

#: Lines or rows without a name that are let pass: so many, and this share of all. More, and it is no list of names.
FEW_ODD, ODD_SHARE = 20, 0.02
#: Seconds from the reading within which a stated time is believed: no list looks further ahead or back.
FURTHEST = 400 * 86_400.0

_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])", re.ASCII)


class NameSieve:
    """Turns texts into names of one publication, and counts what was none."""

    def __init__(self, publication: Publication) -> None:
        self._suffixes = tuple(f".{suffix}" for suffix in publication.suffixes)
        self._allowed = ", ".join(self._suffixes)
        self.size = self._odd = 0

    def admit_name(self, text: str) -> str | None:
        """The A-label of a name; None for what is no name, which few lists are free of.

        Raises PublicationError for a name that lies outside of the suffixes, and where too much was no name.
        """
        name = text.strip().lower().removesuffix(".")
        if not name.isascii():
            name = _encode_name(name)
        if len(name) > 253 or not _NAME.fullmatch(name):
            self.note_odd()
            return None
        if not name.endswith(self._suffixes):
            raise PublicationError(f"it names {name[:80]}, which is not under {self._allowed}")
        self.size += 1
        return name

    def note_odd(self) -> None:
        """Count a line or row that holds no name. Raises PublicationError where there are too many."""
        self._odd += 1
        if self._odd > FEW_ODD and self._odd > ODD_SHARE * self.size:
            raise PublicationError(f"{self._odd} of its first {self._odd + self.size} entries hold no name")

    def check_odd(self) -> None:
        """At the end: raise PublicationError where a short list is mostly something else than names."""
        if self._odd > max(2.0, 0.5 * self.size):
            raise PublicationError(f"{self._odd} of its {self._odd + self.size} entries hold no name")


def _encode_name(name: str) -> str:
    """The A-label of a name in U-labels; "" where it has none."""
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
