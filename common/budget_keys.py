"""Find the rows of a budgets file that can never apply: a misspelt operator would silently keep its built-in rate."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from common.core.builtin.operator_limits import DEFAULTS, LIMITS, OPERATOR_OF_HOST, OPERATOR_OF_NIC, OPERATOR_OF_PARENT
from common.core.registries.operators import operator_of

SuffixOf = Callable[[str], str | None]
#: `common.spelling.likely`: the known word that another was meant to be.
Likely = Callable[[str, tuple[str, ...]], str | None]

#: A host by its look: several labels, an address, or any name with a port.
_HOST = re.compile(r"[a-z0-9_.-]+\.[a-z0-9_-]+\.?(?::[0-9]+)?|[a-z0-9_-]+:[0-9]+|\[?[0-9a-f:]*:[0-9a-f:.]+\]?(?::[0-9]+)?")
#: Kinds whose operators are named by the back ends of registries.
_REGISTRY = ("rdap", "whois", "das")


def find_unknown_keys(keys: Iterable[str], servers: Iterable[str], suffix_of: SuffixOf, likely: Likely) -> list[str]:
    """One sentence for each key that names nothing that is ever queried.

    A key is `*`, a host, `KIND/*`, `KIND/host`, an operator such as `rdap/verisign`, or `dns/` and a suffix, all in lower case.
    `servers` are URLs and "host[:port]" of the user's own server files, whose hosts are queried too.
    """
    known = list_operators(servers)
    found = []
    for key in keys:
        if key == "*" or key in known or _HOST.fullmatch(key):
            continue
        kind, slash, place = key.partition("/")
        if slash and kind in DEFAULTS and (place == "*" or _HOST.fullmatch(place) or _is_zone(kind, place, suffix_of)):
            continue
        found.append(
            f'"{key[:100]}" is no operator that is ever asked{_suggest_key(kind, place if slash else "", known, likely)}'
        )
    return found


def list_operators(servers: Iterable[str] = ()) -> tuple[str, ...]:
    """Every operator with a name of its own, as "kind/operator", and those of `servers`; RDAP first, then WHOIS."""
    named = {*OPERATOR_OF_HOST.values(), *OPERATOR_OF_PARENT.values(), *(operator for _, operator in OPERATOR_OF_NIC)}
    every = {*LIMITS, *(f"{kind}/{name}" for kind in _REGISTRY for name in named), "http/web", "dns/."}
    for server in servers:
        host = (urlsplit(server).netloc if "://" in server else server).lower()
        every |= {host, *(f"{kind}/{host}" for kind in _REGISTRY), *(operator_of(kind, host) for kind in _REGISTRY)}
    return tuple(sorted(every, key=lambda name: (not name.startswith("rdap/"), not name.startswith("whois/"), name)))


def _is_zone(kind: str, place: str, suffix_of: SuffixOf) -> bool:
    return kind == "dns" and bool(place) and suffix_of(place) == place


def _suggest_key(kind: str, place: str, known: tuple[str, ...], likely: Likely) -> str:
    """The text ": did you mean KEY?" with the same name under another kind, or one spelt almost alike; "" for none."""
    name = place or kind
    same = next((key for key in known if key.partition("/")[2] == name), None)
    right = kind if kind in DEFAULTS else likely(kind, tuple(DEFAULTS)) if place else None
    whole = f"{right}/{place}" if right else name
    names = tuple(key.partition("/")[2] for key in known)
    alike = (whole if whole in known or place == "*" else None) or same or likely(whole, known)
    if alike is None and (near := likely(name, names)) is not None:
        alike = next(key for key in known if key.partition("/")[2] == near)
    return f": did you mean {alike}?" if alike else ""
