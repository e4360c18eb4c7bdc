"""Settings of what registries publish, lists and zones: which are read, and from where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from common import setting_parsers as parse
from common.core.registries.addresses import is_public
from common.setting_row import Setting

_NAME = re.compile(r"-?[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which publications are read: those that are on by default or none of them, further ones, and not some."""

    default: bool = True
    also: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = [*(["default"] if self.default else []), *self.also, *(f"-{name}" for name in self.never)]
        return ",".join(words) or "none"


def parse_choice(text: str) -> Choice:
    """PUBLICATIONS: `default`, `none`, names, and names behind a minus, with commas.

    Raises ValueError for what cannot be a name; whether there is such a publication is found out where they are known.
    """
    words = [word.lower() for word in parse.items(text)]
    if words == ["none"]:
        return Choice(default=False)
    if "none" in words or not all(map(_NAME.fullmatch, words)):
        raise ValueError("must be default, none, or names of publications separated by commas")
    never = tuple(word.removeprefix("-") for word in words if word.startswith("-"))
    also = tuple(word for word in words if word != "default" and not word.startswith("-"))
    return Choice("default" in words or not also, also, never)


def parse_stream_url(text: str) -> str:
    """CERTSTREAM_URL: an absolute ws:// or wss:// URL. Raises ValueError, also for one to a public address in clear text."""
    problem = "must be an absolute ws:// or wss:// URL without user, query and fragment"
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() not in ("ws", "wss"):
        raise ValueError(problem)
    try:
        parts = urlsplit(parse.url(f"http://{rest}"))
    except ValueError:
        raise ValueError(problem) from None
    if "@" in parts.netloc or "?" in rest or "#" in rest:
        raise ValueError(problem)
    if scheme.lower() == "ws" and is_public(parts.hostname or ""):
        raise ValueError("must be wss:// where it leads to a public address: ws:// is for this host and private networks")
    return f"{scheme.lower()}://{rest}"


@dataclass(frozen=True, kw_only=True, repr=False)
class PublicationSettings:
    """What registries publish about names."""

    # What registries publish
    publications: Annotated[
        Choice,
        Setting(
            "default",
            parse_choice,
            "lists and zones of registries that are read: default, none, or names with commas; -NAME leaves one out",
        ),
    ]
    publications_file: Annotated[
        Path | None,
        Setting(
            "",
            parse.optional(parse.existing_file),
            'other places of publications, JSON {"name": {"url": ..., "server": "host[:port]", "every": seconds}}',
        ),
    ]
    czds_folder: Annotated[
        Path | None,
        Setting("", parse.optional(parse.directory), "directory with zone files of CZDS: TLD.zone[.gz] or TLD.txt[.gz]"),
    ]
    certstream_url: Annotated[
        str | None,
        Setting(
            "",
            parse.optional(parse_stream_url),
            "stream of certificates of an own certstream server, wss://HOST/domains-only; ws:// for private networks alone",
        ),
    ]
