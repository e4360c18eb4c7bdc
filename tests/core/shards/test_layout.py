"""Which shard a name lies in."""

from __future__ import annotations

from collections import Counter

from common.core.shards.layout import Layout, build_layout

GROUPS = {
    "org": "pir",
    "ngo": "pir",
    "de": "denic",
    "com": "verisign",
    "net": "verisign",
    "name": "verisign",
    "uk.com": "centralnic",
}


def test_one_shard_has_every_name() -> None:
    """Nothing is divided."""
    layout = build_layout(1, ("com",), GROUPS)
    assert layout == Layout()
    assert layout.shard_of("example.com") == 0
    assert layout.shards_of(["com", "de"]) == {0}


def test_names_of_one_back_end_lie_in_one_shard() -> None:
    """Whatever their top-level domains are, and however many labels they have."""
    layout = build_layout(7, ("com", "net"), GROUPS)
    assert len({layout.shard_of(name) for name in ("a.org", "b.ngo", "c.d.org")}) == 1
    assert layout.shards_of(["org", "ngo"]) == {layout.shard_of("a.org")}


def test_names_of_a_spread_domain_lie_in_all_shards_in_equal_numbers() -> None:
    """By a hash of the whole name."""
    layout = build_layout(4, ("com", "net"), GROUPS)
    counts = Counter(layout.shard_of(f"name{number}.com") for number in range(20_000))
    assert set(counts) == {0, 1, 2, 3}
    assert max(counts.values()) < 1.05 * min(counts.values())
    assert layout.shards_of(["org", "com"]) == {0, 1, 2, 3}


def test_a_suffix_with_a_registry_of_its_own_is_not_spread_with_the_domain_above() -> None:
    """Names under uk.com are asked for at another back end than those of com."""
    layout = build_layout(7, ("com", "net"), GROUPS)
    assert len({layout.shard_of(f"name{number}.uk.com") for number in range(50)}) == 1
    assert layout.shards_of(["uk.com"]) == {layout.shard_of("name.uk.com")}


def test_a_layout_keeps_only_what_it_needs() -> None:
    """A back end with a single top-level domain is the same as that domain, also where it becomes known later."""
    layout = build_layout(5, ("net", "com", "com"), GROUPS)
    assert layout.spread == ("com", "net")
    assert layout.groups == {"org": "pir", "ngo": "pir", "name": "verisign", "uk.com": "centralnic"}
    assert layout.shards_of(["de"]) == build_layout(5, (), {}).shards_of(["de"])


def test_a_name_stays_in_its_shard() -> None:
    """The rule is part of what is stored: these places must never change."""
    layout = build_layout(4, ("com",), GROUPS)
    assert [layout.shard_of(name) for name in ("example.com", "other.com", "a.org", "a.de", "a.co.uk", "b.uk")] == PLACES


PLACES = [1, 0, 0, 3, 0, 0]


def test_names_under_a_suffix_lie_in_the_shards_that_are_named() -> None:
    """Whatever stands before it, and however many labels."""
    layout = build_layout(7, ("net",), {**GROUPS, "eu.de": "other", "x.de": "other"})
    for suffix in ("de", "eu.de", "a.eu.de", "net", "uk.com", "com", "co.uk", "ngo"):
        names = [f"n{number}{middle}.{suffix}" for number in range(40) for middle in ("", ".m", ".eu", ".uk", ".m.eu")]
        found = {layout.shard_of(name) for name in names}
        assert found <= layout.shards_under(suffix)
    assert layout.shards_under("ngo") == layout.shards_of(["org"])
    assert layout.shards_under("de") == layout.shards_of(["de", "eu.de"])
    assert len(layout.shards_under("net")) == 7
