"""Settings of what registries publish, lists and zones: which are read, and from where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from common import setting_parsers as parse
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
