"""How budgets are divided among shards."""

from __future__ import annotations

import pytest

from common.core.builtin.operator_limits import DEFAULTS, LIMITS
from common.core.model.limit import Limit
from common.core.registries.back_ends import MOST_TOGETHER, SPAN, Shares, divide_limit, group_suffixes
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.registries.sources import Source, Sources
from common.core.shards.layout import Layout, build_layout

LAYOUT = build_layout(4, ("com", "net"), group_suffixes())


def registries(layout: Layout = LAYOUT, **fields: object) -> Registries:
    """Those of one shard."""
    given = {"directory": Directory(), "overrides": {}, "recursive_dns": False, "iana_host": "whois.iana.org", **fields}
    return Registries(shares=Shares(layout), **given)  # type: ignore[arg-type]


def test_back_ends_with_several_top_level_domains_are_known() -> None:
    """From what is built in."""
    groups = group_suffixes()
    assert groups["com"] == groups["net"]
    assert groups["org"] != groups["com"]
    assert groups["uk.com"] == groups["xyz"]
    assert groups["re"] == groups["fr"]
    assert "co.uk" not in groups
    assert len(groups) > 1000


def test_without_shards_nothing_is_divided() -> None:
    """The limit is the same object."""
    assert registries(Layout()).limit_of("rdap", "rdap.verisign.com", "com") is LIMITS["rdap/verisign"]


@pytest.mark.parametrize(
    ("method", "server", "suffix", "parts"),
    [
        ("dns", "com", "com", 4),
        ("dns", "de", "de", 1),
        ("rdap", "rdap.verisign.com", "com", 4),
        ("rdap", "rdap.publicinterestregistry.org", "org", 1),
        ("rdap", "rdap.nominet.uk", "uk", 1),
        ("whois", "whois.verisign-grs.com", "com", 4),
        ("whois", "whois.denic.de", "de", 1),
        ("whois", "whois.iana.org", "de", 4),
        ("whois", "whois.learned.example", "de", 4),
        ("das", "das.eu", "eu", 1),
        ("http", "example.de", "de", 4),
        ("registrar:gandi", "", "de", 4),
    ],
)
def test_a_shard_has_its_part_of_what_several_shards_ask(method: str, server: str, suffix: str, parts: int) -> None:
    """And the whole of what it asks alone."""
    whole, part = registries(Layout()).limit_of(method, server, suffix), registries().limit_of(method, server, suffix)
    assert part == divide_limit(whole, parts)
    assert (part == whole) == (parts == 1)


def test_a_resolver_is_asked_by_all_shards() -> None:
    """Whatever the suffix is."""
    whole = registries(Layout(), recursive_dns=True).limit_of("dns", "de", "de")
    assert registries(recursive_dns=True).limit_of("dns", "de", "de") == divide_limit(whole, 4)


def test_an_account_is_divided_by_the_suffixes_it_serves() -> None:
    """One for a registry of one shard is whole."""

    def limit(*suffixes: str, layout: Layout = LAYOUT) -> Limit:
        account = Source(method="epp", url="epp://epp.example:700", suffixes=suffixes, rate=8.0)
        return registries(layout, sources=Sources((account,))).limit_of("epp", "epp.example", suffixes[0])

    assert limit("de") == limit("de", layout=Layout())
    assert limit("com", "de") == divide_limit(limit("com", layout=Layout()), 4)


def test_shares_are_counted_anew_when_servers_change() -> None:
    """A back end that another registry moved to is asked by two shards from then on."""
    here, there = "de", next(top for top in ("fr", "uk", "pl", "cz") if LAYOUT.shards_of([top]) != LAYOUT.shards_of(["de"]))
    rooms = registries()
    before = rooms.limit_of("rdap", "rdap.denic.de", here)
    moved = Directory(own={there: ("https://rdap.denic.de/",)})
    rooms.replace_directory(moved)
    assert rooms.limit_of("rdap", "rdap.denic.de", here) == divide_limit(before, 2)


@pytest.mark.parametrize("sharers", [2, 3, 4, 8, 16])
def test_parts_together_ask_no_more_than_the_whole(sharers: int) -> None:
    """In any ten seconds, burst included, for every limit that is built in; where a token for each is not too much already."""
    for limit in (*LIMITS.values(), *DEFAULTS.values()):
        parts = [divide_limit(limit, sharers) for _ in range(sharers)]
        whole = MOST_TOGETHER * (limit.burst + SPAN * limit.rate)
        together = sum(part.burst + SPAN * part.rate for part in parts)
        assert together <= whole + 1e-9 or (limit.burst < sharers and parts[0].rate == pytest.approx(limit.rate / sharers / 4))
        assert sum(part.rate for part in parts) <= limit.rate + 1e-9
        assert all(part.rate > 0 for part in parts) or limit.rate == 0
        if limit.per_day is not None:
            assert limit.per_day - sharers < sum(part.per_day or 0 for part in parts) <= limit.per_day


def test_a_ceiling_is_divided_as_the_rate_is() -> None:
    """All shards together climb no higher than one instance would."""
    assert divide_limit(Limit("dns/zone", 8.0, 20, None, 4, ceiling=40.0), 4).ceiling == 10.0
    assert divide_limit(Limit("dns/zone", 8.0, 20, None, 4), 4).ceiling is None
