"""The directory: which server speaks for a suffix, and which lists are believed."""

import json

import pytest

from common.config import load
from common.core.registries.directory import (
    Directory,
    RdapServer,
    built_in_bootstrap,
    check_loss,
    parse_bootstrap,
    parse_suffix_servers,
)
from common.errors import ConfigError
from common.registry_directory import load_directory


def listing(*services, version="1.0"):
    """A bootstrap file."""
    return json.dumps({"version": version, "publication": "2026-01-01T00:00:00Z", "services": list(services)}).encode()


def test_iana_s_servers_are_built_in_with_their_paths():
    """The whole base URL comes out, for shared and for patterned ones."""
    directory = Directory()

    assert directory.rdap_server("com") == RdapServer("https://rdap.verisign.com/com/v1/", "rdap.verisign.com", listed=True)
    assert directory.rdap_server("dev") == RdapServer(
        "https://pubapi.registry.google/rdap/", "pubapi.registry.google", listed=True
    )
    assert len(built_in_bootstrap()) > 1100


def test_the_longest_suffix_wins_label_by_label():
    """A suffix of two labels falls back to its parent, and never matches in the middle of a label."""
    directory = Directory(own={"co.uk": ("https://second.example/",), "uk": ("https://first.example/",)})

    assert directory.rdap_server("co.uk").host == "second.example"
    assert directory.rdap_server("org.uk").host == "first.example"
    assert directory.rdap_server("ac.co.uk").host == "second.example"
    assert Directory(own={"k": ("https://x.example/",)}).rdap_server("notk") is None


def test_a_private_suffix_never_falls_back_to_its_parent_s_registry():
    """Verisign knows nothing of names under uk.com: its 404 for them would be a lie."""
    directory = Directory(own_whois={"com": "whois.example"})

    assert directory.rdap_server("uk.com") is None
    assert directory.whois_server("uk.com") == "whois.centralnic.net"
    assert Directory(own={"uk.com": ("https://own.example/",)}).rdap_server("uk.com").host == "own.example"


def test_the_operator_s_file_beats_iana_and_iana_beats_what_we_pinned():
    """Precedence, and a pinned server says that it is not listed."""
    own = {"com": ("https://own.example/",)}

    assert Directory(own=own).rdap_server("com").base == "https://own.example/"
    assert Directory(fetched={"de": ("https://listed.example/",)}).rdap_server("de").listed
    pinned = Directory().rdap_server("de")
    assert (pinned.host, pinned.listed) == ("rdap.denic.de", False)
    assert Directory().rdap_server("zz") is None


def test_only_the_registry_s_host_is_authoritative_for_a_suffix():
    """An aggregator and a neighbour do not; a host of the same back end does."""
    directory = Directory()

    assert directory.speaks_for("RDAP.denic.de", "de")
    assert directory.speaks_for("www.registry.google", "dev")
    assert not directory.speaks_for("rdap.org", "de")
    assert not directory.speaks_for("rdap.denic.de", "com")
    assert not directory.speaks_for("rdap.org", "gg")


def test_a_bootstrap_file_is_read():
    """Suffixes in lower case, https first, a missing slash added."""
    found = parse_bootstrap(
        listing([["COM", "net"], ["http://a.example/x", "https://a.example/x"]], [["xn--p1ai"], ["https://b.example/"]])
    )

    assert found["com"] == ("http://a.example/x/", "https://a.example/x/")
    assert Directory(fetched=found).rdap_server("net").base == "https://a.example/x/"
    assert set(found) == {"com", "net", "xn--p1ai"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"<html>",
        b"{}",
        listing(),
        listing([["com"], ["https://a.example/"]], version="2.0"),
        listing([["com"]]),
        listing([["com"], []]),
        listing([["com"], ["ftp://a.example/"]]),
        listing([["com"], ["https://a.example:port/"]]),
        listing([["com"], ["https://user@a.example/"]]),
        listing([["com"], ["https://a.example/?q="]]),
        listing([["com"], ["/relative/"]]),
        listing([["com"], [5]]),
        listing([["bad suffix"], ["https://a.example/"]]),
        listing([[5], ["https://a.example/"]]),
        listing("com"),
        b'{"version":"1.0","services":' + b"[" * 100_000,
        b" " * (3 << 20),
    ],
)
def test_a_broken_bootstrap_file_is_refused_as_a_whole(data):
    """Half a list would send questions to the wrong server."""
    with pytest.raises(ValueError, match=r".+"):
        parse_bootstrap(data)


def test_a_list_that_lost_many_suffixes_is_refused():
    """More than one in twenty gone is a broken file; new ones and moved ones are welcome."""
    before = {f"s{n}": ("https://a.example/",) for n in range(100)}
    directory = Directory(fetched=before)

    check_loss(before, dict.fromkeys(list(before)[5:], ("https://b.example/",)))
    with pytest.raises(ValueError, match="6 of 100"):
        directory.replace_fetched(dict.fromkeys(list(before)[6:], ("https://b.example/",)))
    assert directory.rdap_server("s0").host == "a.example"
    directory.replace_fetched(before | {"new": ("https://n.example/",)})
    assert directory.rdap_server("new").host == "n.example"


def test_whois_servers_of_the_operator_win():
    """Own entries first, then what was learned, then the table; garbage is never learned."""
    directory = Directory(own_whois={"zz": "127.0.0.1:4343"})
    directory.learn_whois("se", "whois.moved.se")
    directory.learn_whois("zz", "whois.nic.zz")
    directory.learn_whois("yy", "WHOIS.nic.yy")
    directory.learn_whois("xx", "not a host")

    assert directory.whois_server("co.zz") == "127.0.0.1:4343"
    assert directory.whois_server("yy") == "whois.nic.yy"
    assert directory.whois_server("se") == "whois.moved.se"
    assert directory.whois_server("de") == "whois.denic.de"
    assert directory.whois_server("xx") is None


def test_whois_files_are_strict():
    """A wrong entry is named."""
    assert parse_suffix_servers(b'{"DE": "whois.denic.de:4343"}') == {"de": "whois.denic.de:4343"}
    for wrong in (b"[]", b'{"de": 5}', b'{"de": "h:99999"}', b'{"de": "h:0"}', b'{"d e": "h"}', b'{"de": "h o"}', b"{", b""):
        with pytest.raises(ValueError, match=r".+"):
            parse_suffix_servers(wrong)


def test_the_operator_s_files_are_loaded_and_errors_name_the_file(tmp_path):
    """Settings become a directory; every broken file is named at once."""
    rdap, whois, das = tmp_path / "rdap.json", tmp_path / "whois.json", tmp_path / "das.json"
    rdap.write_bytes(listing([["lab"], ["http://127.0.0.1:8080/"]]))
    whois.write_text('{"lab": "127.0.0.1:4343"}')
    das.write_text('{"lab": "127.0.0.1:4344"}')
    environ = {
        "RDAP_SERVERS_FILE": str(rdap),
        "WHOIS_SERVERS_FILE": str(whois),
        "DAS_SERVERS_FILE": str(das),
        "DAS_SUFFIXES": "it, CO.UK.",
        "STATE_DIR": str(tmp_path),
    }
    directory = load_directory(load(environ))

    assert directory.rdap_server("lab").base == "http://127.0.0.1:8080/"
    assert directory.whois_server("lab") == "127.0.0.1:4343"
    assert [directory.das_server(suffix) for suffix in ("lab", "it", "co.uk", "se")] == [
        "127.0.0.1:4344", "das.nic.it:4343", "dac.nic.uk:2043", None,
    ]  # fmt: skip

    rdap.write_text("{}")
    das.write_text('{"lab": "no host"}')
    whois.write_text("[1]")
    with pytest.raises(ConfigError) as caught:
        load_directory(load(environ))
    assert len(caught.value.problems) == 3
    assert all(str(path) in str(caught.value) for path in (rdap, whois, das))


def test_the_operators_own_availability_services_can_be_listed() -> None:
    """Suffix by suffix; none where no file was read."""
    assert Directory(own_das={"be": "127.0.0.1:4343"}).own_das_servers() == {"be": "127.0.0.1:4343"}
    assert Directory().own_das_servers() == {}
