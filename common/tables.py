"""Builds the directory of servers from the operator's files, the kept bootstrap copy and the built-in tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from common.clients.bootstrap_copy import cached
from common.config import Settings
from common.core.directory import BOOTSTRAP_LIMIT, Directory, parse_bootstrap, parse_whois_servers
from common.errors import ConfigError

T = TypeVar("T")


def load_directory(settings: Settings) -> Directory:
    """The directory of servers. Raises ConfigError, naming the setting and the file, where a file of the operator is wrong."""
    problems: list[str] = []
    own = _parsed("RDAP_SERVERS_FILE", settings.rdap_servers_file, parse_bootstrap, problems)
    whois = _parsed("WHOIS_SERVERS_FILE", settings.whois_servers_file, parse_whois_servers, problems)
    if problems:
        raise ConfigError(problems)
    return Directory(own=own, fetched=cached(settings), own_whois=whois)


def _parsed(name: str, path: Path | None, parse: Callable[[bytes], T], problems: list[str]) -> T | None:
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            return parse(stream.read(BOOTSTRAP_LIMIT + 1))
    except OSError as error:
        problems.append(f"{name}: {path} cannot be read: {error.strerror}")
    except ValueError as error:
        problems.append(f"{name}: {path}: {error}")
    return None
