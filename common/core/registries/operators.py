"""Find the operator of a host and its rate limit: hosts of one operator share a token bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Annotated

import msgspec

from common.core.builtin.operator_limits import DEFAULTS, LIMITS, OPERATOR_OF_HOST, OPERATOR_OF_NIC, OPERATOR_OF_PARENT
from common.core.model.limit import Limit
from common.errors import ConfigError

__all__ = ["Limit", "limit_for", "operator_of", "parse_budgets"]

#: Largest budgets file read, in bytes, and most rows in it.
MAX_BYTES = 1 << 20
MAX_ROWS = 10_000
#: Top-level domains that one set of name servers answers for.
GTLD_SERVERS = ("com", "net")


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    rate: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
    burst: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    per_day: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None
    ceiling: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] | None = None


def limit_for(kind: str, host: str, overrides: Mapping[str, Limit]) -> Limit:
    """The bucket for a query of `kind` (dns, rdap, whois, das, http, registrar) to `host` ("rdap.nic.xyz", "whois.nic.uk:43").

    For dns, `host` is the suffix asked about ("co.uk") or "resolver", and the rate is per server address: the caller
    multiplies it by the number of addresses. The result's `operator` is stable text "<kind>/<operator>" and names the bucket.

    `overrides` (see `parse_budgets`) win over what is built in, the most exact key first: operator ("rdap/verisign"),
    kind and host ("rdap/rdap.verisign.com"), host with port, host, then every operator of the kind ("rdap/*"), then "*".
    A row for a host gives that host a bucket of its own. A limit that comes from a row is `configured`. Raises KeyError for a
    kind that does not exist.
    """
    place = host.strip().rstrip(".").lower()
    bare = _without_port(place)
    operator = operator_of(kind, place)
    own = f"{kind}/{place}"
    for key, bucket in ((operator, operator), (own, own), (f"{kind}/{bare}", own), (place, own), (bare, own)):
        if key in overrides:
            return replace(overrides[key], operator=bucket, configured=True)
    for key in (f"{kind}/*", "*"):
        if key in overrides:
            return replace(overrides[key], operator=operator, configured=True)
    return LIMITS.get(operator) or replace(DEFAULTS[kind], operator=operator)


@lru_cache(maxsize=8192)
def operator_of(kind: str, host: str) -> str:
    """The operator "<kind>/<operator>" that a host belongs to: the key of its bucket. Raises KeyError for an unknown kind.

    `host` is as for `limit_for`, in lower case.
    """
    if kind not in DEFAULTS:
        raise KeyError(kind)
    if kind == "http":
        return "http/web"
    if kind == "dns":
        return "dns/gtld-servers" if host in GTLD_SERVERS else f"dns/{host}"
    bare = _without_port(host)
    literal = ":" in bare or bare.rpartition(".")[2].isdigit()  # servers of a test set-up share an address and differ by port
    return f"{kind}/{_operator_of_host(bare) or (host if literal else bare)}"


def parse_budgets(data: bytes) -> dict[str, Limit]:
    """Parse a budgets file: `{"operator or host": {"rate": per second, "burst": n, "per_day": n, "ceiling": per second}}`.

    JSON, at most 1 MiB. `burst` defaults to the queries of two seconds, at least 1; a rate of 0 switches the operator off.
    Without `ceiling` the rate is never exceeded; with it, clean answers let the pace climb from one to the other. Raises
    ConfigError with one sentence for each wrong row.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError([f"budgets file: {len(data)} bytes, at most {MAX_BYTES}"])
    try:
        rows = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError) as error:
        raise ConfigError([f'budgets file: expected {{"operator": {{"rate": ...}}}}: {error}']) from error
    if len(rows) > MAX_ROWS:
        raise ConfigError([f"budgets file: {len(rows)} rows, at most {MAX_ROWS}"])
    limits: dict[str, Limit] = {}
    problems: list[str] = []
    for name, raw in rows.items():
        key = name.strip().lower()
        try:
            limits[key] = _parse_row(key, msgspec.json.decode(raw, type=_Row))
        except (ValueError, RecursionError) as error:
            problems.append(f'budgets file, "{name[:100]}": {error}')
    if problems:
        raise ConfigError(problems[:20])
    return limits


def _parse_row(key: str, row: _Row) -> Limit:
    if not key:
        raise ValueError("the name of the operator or host is empty")
    burst = row.burst if row.burst is not None else max(1.0, 2 * row.rate)
    if row.rate > 0 and burst < 1:
        raise ValueError("a burst below 1 would never let a query through")
    if row.ceiling is not None and row.ceiling < row.rate:
        raise ValueError("a ceiling below the rate, which the pace begins with")
    return Limit(key, row.rate, burst, row.per_day, ceiling=row.ceiling)


def _operator_of_host(host: str) -> str | None:
    if host in OPERATOR_OF_HOST:
        return OPERATOR_OF_HOST[host]
    first, _, rest = host.partition(".")
    if first in {"whois", "rdap"} and rest.startswith("nic."):
        tld = rest.removeprefix("nic.")
        for tlds, operator in OPERATOR_OF_NIC:
            if tld in tlds:
                return operator
    parent = rest
    while parent:
        if parent in OPERATOR_OF_PARENT:
            return OPERATOR_OF_PARENT[parent]
        parent = parent.partition(".")[2]
    return None


def _without_port(host: str) -> str:
    """The host of "host[:port]"; a bare IPv6 address keeps its colons."""
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[")
    name, _, port = host.rpartition(":")
    return name if port.isdigit() and ":" not in name and name else host
