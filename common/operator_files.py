"""The files that settings name, read and checked: budgets, canaries, servers of all kinds, publications, certificates."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from common.budget_keys import find_unknown_keys
from common.config import Settings
from common.core.builtin.canary_names import parse_canaries
from common.core.builtin.das_servers import BY_SUFFIX, EVERY_SUFFIX, Access
from common.core.model.limit import Limit
from common.core.publications.catalogue import unknown_names
from common.core.publications.places import Place, parse_places
from common.core.registries.directory import BOOTSTRAP_LIMIT, parse_bootstrap, parse_suffix_servers
from common.core.registries.operators import limit_for, parse_budgets
from common.errors import ConfigError
from common.spelling import likely
from common.suffixes import load_suffixes

T = TypeVar("T")
Bases = Mapping[str, tuple[str, ...]]


class OwnServers(NamedTuple):
    """The operator's servers by suffix: base URLs for RDAP, "host[:port]" for the others; None where no file is set."""

    rdap: Bases | None
    whois: Mapping[str, str] | None
    das: Mapping[str, str] | None


def check_files(settings: Settings) -> None:
    """Read every file that a setting names, and what else needs tables. Raises ConfigError with all problems of all of them."""
    problems: list[str] = []
    for read in (load_servers, load_das_suffixes, load_budgets, load_canaries, load_places, _certificates):
        try:
            read(settings)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)


def load_servers(settings: Settings) -> OwnServers:
    """The servers of RDAP_SERVERS_FILE, WHOIS_SERVERS_FILE and DAS_SERVERS_FILE. Raises ConfigError."""
    problems: list[str] = []
    own = _load_or_note(problems, "RDAP_SERVERS_FILE", settings.rdap_servers_file, parse_bootstrap)
    whois = _load_or_note(problems, "WHOIS_SERVERS_FILE", settings.whois_servers_file, parse_suffix_servers)
    das = _load_or_note(problems, "DAS_SERVERS_FILE", settings.das_servers_file, parse_suffix_servers)
    if problems:
        raise ConfigError(problems)
    return OwnServers(own, whois, das)


def load_das_suffixes(settings: Settings) -> tuple[str, ...]:
    """DAS_SUFFIXES. Raises ConfigError for a suffix without a service that could be asked: it would have no effect."""
    problems = []
    for suffix in settings.das_suffixes:
        row = BY_SUFFIX.get(suffix)
        if suffix != EVERY_SUFFIX and row is None:
            problems.append(f"DAS_SUFFIXES: no availability service of .{suffix} is known: DAS_SERVERS_FILE takes one")
        elif row is not None and row.access is Access.LOGIN:
            problems.append(
                f"DAS_SUFFIXES: the service of .{suffix} needs a login: DAS_SERVERS_FILE takes a server without one"
            )
        elif row is not None and row.rate <= 0 and _is_never_asked(settings, row.host):
            problems.append(
                f"DAS_SUFFIXES: the registry of .{suffix} forbids automated queries: take .{suffix} out, or, with its "
                f"permission, set a rate for das/{row.host} in BUDGETS_FILE"
            )
    if problems:
        raise ConfigError(problems)
    return settings.das_suffixes


def _is_never_asked(settings: Settings, host: str) -> bool:
    """Whether BUDGETS_FILE gives no rate to a service without one; a file that is wrong is a problem of its own."""
    try:
        limits = _read("BUDGETS_FILE", settings.budgets_file, parse_budgets) or {}
    except ConfigError:
        return False
    return limit_for("das", host, limits).rate <= 0


def load_budgets(settings: Settings) -> dict[str, Limit]:
    """The rows of BUDGETS_FILE, {} where it is not set. Raises ConfigError, also for an operator that does not exist."""
    path = settings.budgets_file
    found = _read("BUDGETS_FILE", path, parse_budgets) or {}
    own = load_servers(settings) if found else OwnServers(None, None, None)
    hosts = [base for bases in (own.rdap or {}).values() for base in bases]
    hosts += [*(own.whois or {}).values(), *(own.das or {}).values()]
    problems = find_unknown_keys(found, hosts, load_suffixes(), likely) if found else []
    if problems:
        raise ConfigError([f"BUDGETS_FILE: {path}: {problem}" for problem in problems])
    return found


def load_canaries(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The rows of CANARIES_FILE, {} where it is not set. Raises ConfigError."""
    return _read("CANARIES_FILE", settings.canaries_file, parse_canaries) or {}


def load_places(settings: Settings) -> dict[str, Place]:
    """The rows of PUBLICATIONS_FILE, {} where it is not set. Raises ConfigError, also for what PUBLICATIONS names in vain."""
    chosen = settings.publications
    if unknown := unknown_names((*chosen.also, *chosen.never)):
        raise ConfigError([f"PUBLICATIONS: there is no publication {', '.join(unknown)}: see docs/publications.md"])
    return _read("PUBLICATIONS_FILE", settings.publications_file, parse_places) or {}


def _certificates(settings: Settings) -> None:
    path = settings.tls_ca_file
    if path is None:
        return
    try:
        ssl.create_default_context().load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"TLS_CA_FILE: {path} holds no certificates: {error}"]) from None


def _load_or_note(problems: list[str], name: str, path: Path | None, parse: Callable[[bytes], T]) -> T | None:
    try:
        return _read(name, path, parse)
    except ConfigError as error:
        problems += error.problems
        return None


def _read(name: str, path: Path | None, parse: Callable[[bytes], T]) -> T | None:
    if path is None:
        return None
    try:
        with path.open("rb") as stream:
            return parse(stream.read(BOOTSTRAP_LIMIT + 1))
    except OSError as error:
        raise ConfigError([f"{name}: {path} cannot be read: {error.strerror}"]) from None
    except ConfigError as error:
        raise ConfigError([f"{name}: {path}: {problem}" for problem in error.problems]) from None
    except ValueError as error:
        raise ConfigError([f"{name}: {path}: {error}"]) from None
