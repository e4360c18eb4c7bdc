"""Limits: one bucket per back end, published figures are never reached, own rows win."""

from __future__ import annotations

import pytest

from common.core.builtin.counted_suffixes import BIGGEST_SUFFIXES
from common.core.builtin.operator_limits import DEFAULTS, LIMITS
from common.core.builtin.pace_ceilings import KNOWN
from common.core.model.limit import Limit
from common.core.registries.operators import limit_for, parse_budgets
from common.errors import ConfigError


@pytest.mark.parametrize(
    ("kind", "hosts", "operator"),
    [
        ("dns", ["com", "net"], "dns/gtld-servers"),
        ("dns", ["co.uk"], "dns/co.uk"),
        ("rdap", ["rdap.identitydigital.services", "rdap.nic.io", "RDAP.identitydigital.services."], "rdap/identitydigital"),
        ("rdap", ["rdap.nic.biz", "rdap.nic.us", "rdap.nic.tv", "x.registry.godaddy"], "rdap/godaddy"),
        ("rdap", ["rdap.nominet.uk"], "rdap/nominet"),
        ("rdap", ["rdap.nic.xyz"], "rdap/rdap.nic.xyz"),
        ("whois", ["whois.nic.io", "whois.nic.ai:43", "whois.identitydigital.services"], "whois/identitydigital"),
        ("whois", ["whois.nic.fr", "whois.nic.re"], "whois/afnic"),
        ("whois", ["whois.nic.uk", "whois.nic.uk:43"], "whois/nominet"),
        ("whois", ["[2001:db8::1]:43"], "whois/[2001:db8::1]:43"),
        ("das", ["das.dns.be:4343", "das.dns.be"], "das/das.dns.be"),
        ("rdap", ["127.0.0.1:8443"], "rdap/127.0.0.1:8443"),
        ("http", ["example.com", "example.org"], "http/web"),
    ],
)
def test_hosts_of_one_back_end_share_a_bucket(kind: str, hosts: list[str], operator: str) -> None:
    """The operator counts by source address, not by top-level domain."""
    assert {limit_for(kind, host, {}).operator for host in hosts} == {operator}


@pytest.mark.parametrize(
    ("kind", "host", "per_second", "per_day"),
    [
        ("whois", "whois.nic.uk", 5 / 3, 333),
        ("whois", "whois.eu", 15 / 60 / 3, None),
        ("das", "das.eu", 120 / 60 / 3, None),
        ("das", "das.dns.be", 50 / 60 / 3, None),
        ("whois", "whois.dns.be", 100 / 3600 / 3, None),
        ("rdap", "rdap.nic.club", 100 / 3600, 2400),
        ("registrar", "api.godaddy.com", 60 / 60 / 2, None),
        ("registrar", "api.porkbun.com", 0.1, None),
    ],
)
def test_a_published_limit_is_a_ceiling_we_stay_well_below(
    kind: str, host: str, per_second: float, per_day: int | None
) -> None:
    """At most a third of what the operator publishes, or just below where the figure is already a trickle."""
    limit = limit_for(kind, host, {})

    assert 0 < limit.rate <= per_second
    assert per_day is None or (limit.per_day is not None and limit.per_day <= per_day)


def test_what_an_operator_forbids_is_switched_off() -> None:
    """SIDN calls automated WHOIS lookups abuse; rdap.org knows nothing of its own."""
    assert limit_for("whois", "whois.domain-registry.nl", {}).rate == 0
    assert limit_for("rdap", "rdap.org", {}).rate == 0


def test_every_kind_has_a_default_and_every_limit_makes_sense() -> None:
    """A rate above 0 always comes with a burst of at least one query."""
    assert set(DEFAULTS) == {"dns", "rdap", "whois", "das", "epp", "http", "registrar"}
    for kind in DEFAULTS:
        assert limit_for(kind, "unheard.example", {}).rate > 0
    assert all(limit.rate == 0 or limit.burst >= 1 for limit in LIMITS.values())
    assert all(key.partition("/")[0] in DEFAULTS for key in LIMITS)
    with pytest.raises(KeyError):
        limit_for("carrier-pigeon", "x", {})


def test_own_rows_win_and_the_most_exact_one_first() -> None:
    """Operator, then kind and host, then host, then every operator of the kind, then everything."""
    rows = parse_budgets(
        b"""{"rdap/verisign": {"rate": 9, "burst": 90, "per_day": 900}, "whois.nic.xyz": {"rate": 8}, "127.0.0.1": {"rate": 7},
             "rdap/127.0.0.1:4343": {"rate": 6}, "rdap/*": {"rate": 5}, "*": {"rate": 4}, "dns/co.uk": {"rate": 3}}"""
    )

    assert limit_for("rdap", "rdap.verisign.com", rows) == Limit("rdap/verisign", 9, 90, 900, configured=True)
    assert limit_for("whois", "whois.nic.xyz:43", rows) == Limit("whois/whois.nic.xyz:43", 8, 16, configured=True)
    assert limit_for("whois", "127.0.0.1:4300", rows) == Limit("whois/127.0.0.1:4300", 7, 14, configured=True)
    assert limit_for("rdap", "127.0.0.1:4343", rows).rate == 6
    assert limit_for("rdap", "rdap.nic.io", rows) == Limit("rdap/identitydigital", 5, 10, configured=True)
    assert limit_for("das", "das.eu", rows) == Limit("das/das.eu", 4, 8, configured=True)
    assert limit_for("dns", "co.uk", rows).rate == 3
    assert limit_for("dns", "com", rows) == Limit("dns/gtld-servers", 4, 8, configured=True)
    assert not limit_for("dns", "com", {}).configured


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "budgets file"),
        (b"[]", "budgets file"),
        (b'{"x": 1}', '"x"'),
        (b'{"x": {}}', "rate"),
        (b'{"x": {"rate": -1}}', "rate"),
        (b'{"x": {"rate": "1"}}', "rate"),
        (b'{"x": {"rate": 1, "burst": 0.5}}', "burst"),
        (b'{"x": {"rate": 1, "brust": 5}}', "brust"),
        (b'{"": {"rate": 1}}', "empty"),
        (b" " * (1 << 20) + b"{}", "bytes"),
        (b"[" * 100_000, "budgets file"),
    ],
)
def test_a_wrong_budgets_file_says_which_row_and_why(data: bytes, words: str) -> None:
    """Start-up fails with a sentence instead of running with unintended limits."""
    with pytest.raises(ConfigError, match=words):
        parse_budgets(data)


def test_all_wrong_rows_are_reported_at_once() -> None:
    """One sentence each."""
    with pytest.raises(ConfigError) as caught:
        parse_budgets(b'{"a": {"rate": -1}, "b": {"rate": 1}, "c": 3}')

    assert len(caught.value.problems) == 2


def test_a_ceiling_is_a_third_of_what_is_published_and_a_fifth_of_what_was_observed() -> None:
    """And never far above what terms of use can be read to allow."""
    for operator, known in KNOWN.items():
        limit = LIMITS[operator]
        share = known.per_second / 3 if known.published else min(2.0, known.per_second / 5)
        assert limit.rate <= limit.highest_rate == pytest.approx(max(limit.rate, share))
        assert known.source


@pytest.mark.parametrize(
    ("kind", "host"),
    [
        ("rdap", "rdap.verisign.com"),
        ("whois", "whois.verisign-grs.com"),
        ("whois", "whois.nic.uk"),
        ("whois", "whois.dns.be"),
        ("rdap", "rdap.nic.club"),
        ("rdap", "rdap.registro.br"),
        ("rdap", "rdap.unheard.example"),
        ("whois", "whois.unheard.example"),
    ],
)
def test_where_terms_of_use_say_so_or_nothing_is_known_no_pace_climbs(kind: str, host: str) -> None:
    """Its start is its ceiling."""
    limit = limit_for(kind, host, {})

    assert limit.highest_rate == limit.rate


def test_name_servers_of_the_biggest_suffixes_have_the_highest_ceiling() -> None:
    """A hundred of them; all begin with two queries a second to each address."""
    assert len(BIGGEST_SUFFIXES) == 100
    for suffix, ceiling in (("com", 50.0), ("net", 50.0), ("de", 50.0), ("co.uk", 50.0), ("example", 10.0)):
        assert (limit_for("dns", suffix, {}).rate, limit_for("dns", suffix, {}).highest_rate) == (2.0, ceiling)
    assert limit_for("dns", "resolver", {}).highest_rate == 50.0


def test_a_row_may_have_a_ceiling_of_its_own() -> None:
    """Without one its rate is the upper bound, also where the built-in limit has a ceiling."""
    rows = parse_budgets(
        b'{"dns/*": {"rate": 3}, "rdap/pir": {"rate": 1, "ceiling": 4}, "das/das.eu": {"rate": 0, "ceiling": 4}}'
    )

    assert limit_for("dns", "com", rows).highest_rate == 3.0
    assert limit_for("rdap", "rdap.publicinterestregistry.org", rows).highest_rate == 4.0
    assert limit_for("das", "das.eu", rows).highest_rate == 0.0
    with pytest.raises(ConfigError, match="a ceiling below the rate"):
        parse_budgets(b'{"x": {"rate": 2, "ceiling": 1}}')


def test_a_limit_of_several_addresses_is_as_many_times_as_large() -> None:
    """Its quota of a day is not: it is the operator's."""
    limit = Limit("dns/zone", 2.0, 5, 100, ceiling=10.0).multiply(4)

    assert limit == Limit("dns/zone", 8.0, 20, 100, 4, ceiling=40.0)
    assert Limit("dns/zone", 2.0, 5).multiply(4).ceiling is None
