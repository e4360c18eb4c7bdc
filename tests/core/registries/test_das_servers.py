"""The table of availability services: every known one, each with its source, its manner of asking, and a modest rate."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from common.core.builtin.das_servers import BY_HOST, BY_SUFFIX, COMMON, EVERY_SUFFIX, PLAIN, SERVERS, Access, Form
from common.core.registries.das_dialects import find_dialect, format_query
from common.core.registries.directory import Directory
from common.core.registries.operators import limit_for
from common.suffixes import load_suffixes

FACTS = Path(__file__).parents[4] / "shared" / "facts" / "das_servers.json"
ROWS = [pytest.param(row, id=row.host) for row in SERVERS]
EVERY = [suffix for row in SERVERS for suffix in row.suffixes]


def test_every_fact_has_a_row() -> None:
    """Host, port, suffixes and access of the collected facts."""
    if not FACTS.is_file():
        pytest.skip("no facts beside this checkout")
    for fact in json.loads(FACTS.read_text())["servers"]:
        for suffix in fact["tld"]:
            row = BY_SUFFIX[suffix]
            ports = fact["port"] if isinstance(fact["port"], list) else [fact["port"]]
            assert row.port in ports, suffix
            assert suffix == "dk" or row.host in fact["host"], suffix
            assert (row.access is Access.PUBLIC) is ("access" not in fact), suffix
            assert row.certain <= (fact["confidence"] != "low"), suffix


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_whole(row) -> None:
    """A source with a date, a host, a query about the name, and words in lower case."""
    assert row.source
    assert re.fullmatch(r"20\d\d-[01]\d", row.read)
    assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", row.host)
    assert 0 < row.port < 65_536
    assert row.is_web is row.query.startswith("/")
    assert row.is_web or row.query.endswith("\r\n")
    assert all(load_suffixes()(suffix) == suffix for suffix in row.suffixes)
    assert all(word == " ".join(word.lower().split()) for word in {**COMMON, **row.words})


def test_no_host_and_no_suffix_stands_twice() -> None:
    """Each is found again by either."""
    assert len(EVERY) == len(set(EVERY)) == len(BY_SUFFIX)
    assert len(BY_HOST) == sum(1 + len(row.other_hosts) for row in SERVERS)


@pytest.mark.parametrize("row", ROWS)
def test_every_service_has_a_budget_of_its_own(row) -> None:
    """A published figure is a ceiling that its rate stays far below; what a registry forbids is switched off."""
    published = {"das.dns.be": 50 / 60, "das.eu": 120 / 60, "das.dk-hostmaster.dk": 60 / 60}
    limit = limit_for("das", row.host, {})

    assert (limit.rate, limit.burst) == (row.rate, row.burst)
    assert limit.rate <= published.get(row.host, 3.0) / 3
    assert (limit.rate == 0) is (row.host == "whois.domain-registry.nl")
    assert limit.operator.startswith("das/")
    assert limit.operator != "das/*"


def test_only_public_services_with_a_page_of_the_registry_are_asked_by_themselves() -> None:
    """All others are guesses of clients, for members, or need a login."""
    asked = {suffix for suffix in EVERY if Directory().das_server(suffix)}

    assert asked == {"be", "eu", "xn--e1a4c", "xn--qxa6a", "no"}
    assert Directory().das_server("be") == "das.dns.be:4343"
    assert Directory().das_server("com") is None


def test_the_operator_switches_suffixes_on() -> None:
    """One by one, or all; a login is never sent."""
    some, every = Directory(das_suffixes=("it", "co.uk")), Directory(das_suffixes=(EVERY_SUFFIX,))

    assert some.das_server("it") == "das.nic.it:4343"
    assert some.das_server("co.uk") == "dac.nic.uk:2043"
    assert [some.das_server(suffix) for suffix in ("co.it", "uk", "se", "dk")] == [None] * 4
    assert [suffix for suffix in EVERY if every.das_server(suffix) is None] == ["dk"]
    assert every.das_server("com") is None


def test_own_servers_win_and_speak_for_their_suffix_alone() -> None:
    """Neither those nor the built-in ones are asked about a longer suffix."""
    directory = Directory(own_das={"be": "127.0.0.1:1", "dk": "own.example", "uk": "own.example"})

    assert directory.das_server("be") == "127.0.0.1:1"
    assert directory.das_server("dk") == "own.example"
    assert directory.das_server("co.uk") is None
    assert Directory().das_server("priv.no") is None


def test_a_dialect_is_that_of_the_suffix_wherever_its_server_is() -> None:
    """Then that of the host, then the common form."""
    assert find_dialect("eu", "127.0.0.1").host == "das.eu"
    assert find_dialect("eu", "das.dns.be").host == "das.eu"
    assert find_dialect("rio.br", "REGISTRO.br").form is Form.BR_JSON
    assert find_dialect("zz", "das.registry.eu").host == "das.eu"
    assert find_dialect("zz", "das.example") is PLAIN


@pytest.mark.parametrize(
    ("domain", "query"),
    [
        ("a.be", "a.be\r\n"),
        ("a.eu", "get 1.0 a\r\n"),
        ("a.no", "a.no\r\n"),
        ("xn--bcher-kva.no", "-c utf-8 b\u00fccher.no\r\n"),
        ("xn--ls8h.no", "xn--ls8h.no\r\n"),  # no U-label under IDNA2008
        ("xn--bcher-kva.be", "xn--bcher-kva.be\r\n"),
        ("xn--bcher-kva.dk", "/domain/is_available/b%C3%BCcher.dk"),
        ("a.co.uk", "a.co.uk\r\n#exit\r\n"),
        ("a.com.br", "/v2/ajax/avail/raw/a.com.br"),
        ("a.ee", "/repp/v1/auctions"),
        ("A.be", None),
        ("a_b.be", None),
        ("a.be\r\nb.be", None),
    ],
)
def test_a_query_has_the_form_of_its_service(domain: str, query: str | None) -> None:
    """Nothing but a name can be asked for."""
    suffix = domain.partition(".")[2]

    assert format_query(find_dialect(suffix, ""), domain, suffix) == query


def test_only_a_name_right_under_the_suffix_is_asked_for() -> None:
    """A service of labels would answer about another name."""
    assert format_query(BY_SUFFIX["eu"], "www.a.eu", "eu") is None
    assert format_query(BY_SUFFIX["eu"], "eu", "eu") is None
    assert format_query(BY_SUFFIX["eu"], "a.be", "eu") is None
