"""Messages of a certstream server's stream `domains-only`: the names of one certificate each, or a sign of life.

`{"message_type": "dns_entries", "data": ["example.com", "*.example.com"]}`, the members in any order; a heartbeat has the type
`heartbeat` and no data that counts. Bounded in bytes, names and depth.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, json

from common.errors import PublicationError

#: Largest message, in bytes, and most names in it: certificates have up to a few hundred, one authority's up to 2,000.
LARGEST_MESSAGE, MOST_NAMES = 256 * 1024, 4000
#: Most labels of a name under which one can be watched: a suffix of the registry has five at most.
MOST_LABELS = 6

_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])", re.ASCII)


class _Head(Struct):
    message_type: Annotated[str, Meta(max_length=100)]


class _Entries(Struct):
    data: Annotated[list[str], Meta(max_length=MOST_NAMES)]


_decode_head, _decode_entries = json.Decoder(_Head).decode, json.Decoder(_Entries).decode


def parse_certificate_names(message: bytes) -> list[str] | None:
    """The names of one certificate, as A-labels in lower case and without `*.`; None for a sign of life.

    Entries that are no domain names, such as IP addresses, are left out. Raises PublicationError for every other message.
    """
    if len(message) > LARGEST_MESSAGE:
        raise PublicationError(f"a message of {len(message)} bytes, at most {LARGEST_MESSAGE}")
    try:
        kind = _decode_head(message).message_type
        if kind == "heartbeat":
            return None
        if kind == "dns_entries":
            return _find_names(_decode_entries(message).data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PublicationError(f"a message is no certificate: {error}"[:200]) from None
    hint = "; the stream of names alone is at /domains-only" if kind == "certificate_update" else ""
    raise PublicationError(f"a message of type {kind[:40]!r} instead of dns_entries{hint}")


def names_above(name: str) -> list[str]:
    """The name, and those above it that can be watched: from two labels up to the most that such a name has."""
    labels = name.split(".")
    return [".".join(labels[-count:]) for count in range(2, min(len(labels), MOST_LABELS) + 1)]


def _find_names(entries: list[str]) -> list[str]:
    found = (entry.lower().removesuffix(".").removeprefix("*.") for entry in entries if len(entry) <= 255)
    return [name for name in found if len(name) <= 253 and _NAME.fullmatch(name)]
