"""The EPP accounts of EPP_ACCOUNTS: where this service may ask a registry by `<check>`, as which client."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.core.parsers.bounded_json import parse_bounded_json
from common.core.parsers.epp.frames import MOST_NAMES
from common.setting_parsers import split_host

#: The port of EPP over TLS (RFC 5734 section 3).
PORT = 700
#: Largest text, in bytes, and most accounts, suffixes of one, sessions of one in a process, and commands a second.
LIMIT, MOST_ACCOUNTS, MOST_SUFFIXES, MOST_SESSIONS, HIGHEST_RATE = 65_536, 100, 2000, 10, 100.0
#: RFC 5730 section 4 allows no shorter one, and a short one would be masked where it is a common word.
SHORTEST_PASSWORD = 6
_SUFFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,3}")
_KEYS = {"suffixes", "host", "user", "password", "certificate", "key", "sessions", "batch", "rate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EppAccount:
    """One account. `host` is "host:port"; `certificate` and `key` are PEM files where the registry wants a certificate.

    `sessions` is the most connections of a process, `batch` the most names of one check, `rate` in checks per second.
    """

    suffixes: tuple[str, ...]
    host: str
    user: str
    password: str = field(repr=False)
    certificate: Path | None = None
    key: Path | None = field(default=None, repr=False)
    sessions: int = 1
    batch: int = 20
    rate: float = 1.0


def parse_epp_accounts(text: str) -> tuple[EppAccount, ...]:
    """The accounts of a JSON list of objects; () for the empty text.

    Raises ValueError with a sentence that names the entry by its number, from 1, and never repeats the text.
    """
    if not text:
        return ()
    try:
        entries = parse_bounded_json(text.encode(), LIMIT, _KEYS)
    except ValueError:
        raise ValueError("must be a JSON list of accounts, each key once") from None
    if not isinstance(entries, list) or len(entries) > MOST_ACCOUNTS:
        raise ValueError(f"must be a JSON list of at most {MOST_ACCOUNTS} accounts")
    accounts = []
    for number, entry in enumerate(entries, 1):
        try:
            accounts.append(_parse_entry(entry))
        except ValueError as error:
            raise ValueError(f"must be a JSON list of accounts: entry {number}: {error}") from None
    suffixes = [suffix for account in accounts for suffix in account.suffixes]
    if len(set(suffixes)) < len(suffixes):
        raise ValueError("must be a JSON list of accounts: a suffix stands in two places")
    return tuple(accounts)


def list_texts(value: object) -> Iterable[object]:
    """The parts of the value of a setting one by one: an account's password stands for the account."""
    parts = value if isinstance(value, tuple) else (value,)
    return (part.password if isinstance(part, EppAccount) else part for part in parts)


def _parse_entry(entry: Any) -> EppAccount:
    if not isinstance(entry, dict):
        raise ValueError("must be an object")  # noqa: TRY004  # a wrong setting, not a wrong type of ours
    if not entry.keys() <= _KEYS:
        raise ValueError(f"knows only {', '.join(sorted(_KEYS))}")
    if "key" in entry and "certificate" not in entry:
        raise ValueError("key needs certificate")
    return EppAccount(
        suffixes=_parse_suffixes(entry.get("suffixes")),
        host=_parse_host(entry.get("host")),
        user=_parse_text(entry, "user"),
        password=_parse_text(entry, "password", SHORTEST_PASSWORD),
        certificate=Path(_parse_text(entry, "certificate")) if "certificate" in entry else None,
        key=Path(_parse_text(entry, "key")) if "key" in entry else None,
        sessions=_parse_count(entry.get("sessions", 1), "sessions", MOST_SESSIONS),
        batch=_parse_count(entry.get("batch", 20), "batch", MOST_NAMES),
        rate=_parse_rate(entry.get("rate", 1.0)),
    )


def _parse_suffixes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_SUFFIXES or not all(isinstance(each, str) for each in value):
        raise ValueError(f"suffixes must be a list of 1 to {MOST_SUFFIXES} suffixes")
    found = tuple(each.lower().removeprefix(".") for each in value)
    if not all(_SUFFIX.fullmatch(each) for each in found):
        raise ValueError("suffixes must be suffixes of domain names, international ones as xn--")
    return found


def _parse_host(value: Any) -> str:
    try:
        host, port = split_host(value if isinstance(value, str) else "", PORT)
    except ValueError:
        raise ValueError("host must be host or host:port, an IPv6 address with a port in square brackets") from None
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_text(entry: dict[str, Any], key: str, shortest: int = 1) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not shortest <= len(value) <= 255 or not value.isprintable():
        raise ValueError(f"{key} must be a text of {shortest} to 255 printable characters")
    return value


def _parse_count(value: Any, key: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError(f"{key} must be a whole number from 1 to {most}")
    return value


def _parse_rate(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= HIGHEST_RATE:
        raise ValueError(f"rate must be a number above 0 and at most {HIGHEST_RATE:.0f}")
    return float(value)
