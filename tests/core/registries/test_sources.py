"""The registrars and EPP accounts that are configured: which of them may be asked about a suffix, and at what budget."""

from __future__ import annotations

from common.core.model.channel import ChannelKey
from common.core.model.limit import Limit
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.registries.sources import Source, Sources

ONE = Source(method="registrar:one", url="https://one.test/v1", batch=20)
TWO = Source(method="registrar:two", url="https://two.test", suffixes=("com", "co.uk"))
SANDBOX = Source(method="registrar:box", url="https://box.test", proof=False)
EPP_COM = Source(method="epp", url="epp.com.test:700", suffixes=("com",))
EPP_ORG = Source(method="epp", url="epp.org.test:700", suffixes=("org",))
ALL = Sources([TWO, EPP_COM, SANDBOX, ONE, EPP_ORG])


def registries_of(sources: Sources = ALL, **overrides: Limit) -> Registries:
    """The registry of com with RDAP and WHOIS, and these sources; budgets by key, with "_" for "/"."""
    return Registries(
        directory=Directory(own={"com": ("https://rdap.com.test/",)}, own_whois={"com": "whois.com.test"}),
        overrides={"*": Limit("*", 1.0, 1)} | {key.replace("_", "/"): limit for key, limit in overrides.items()},
        recursive_dns=False,
        iana_host="whois.iana.org",
        sources=sources,
    )


def test_a_source_is_found_by_its_method_and_the_suffixes_that_it_may_be_asked_about() -> None:
    """Any where it names none."""
    assert ALL.find_source("registrar:one", "dev") is ONE
    assert (ALL.find_source("registrar:two", "co.uk"), ALL.find_source("registrar:two", "uk")) == (TWO, None)
    assert (ALL.find_source("epp", "com"), ALL.find_source("epp", "org"), ALL.find_source("epp", "net")) == (
        EPP_COM,
        EPP_ORG,
        None,
    )
    assert ALL.find_source("registrar:three", "com") is Sources().find_source("registrar:one", "com") is None


def test_the_registrars_of_a_suffix_are_told_in_the_order_of_the_settings() -> None:
    """Those that prove something, or all; EPP is none of them."""
    assert ALL.registrar_methods("com") == ["registrar:two", "registrar:one"]
    assert ALL.registrar_methods("dev") == ["registrar:one"]
    assert ALL.registrar_methods("com", proof=False) == ["registrar:two", "registrar:box", "registrar:one"]
    assert ALL.registrar_methods("dev", proof=False) == ["registrar:box", "registrar:one"]
    assert ALL.all_sources() == (TWO, EPP_COM, SANDBOX, ONE, EPP_ORG)


def test_the_server_of_a_source_is_that_of_its_settings() -> None:
    """A URL for a registrar, a host with its port for EPP; none where it may not be asked about the suffix."""
    found = registries_of()

    assert found.server_of("registrar:one", "dev") == "https://one.test/v1"
    assert (found.server_of("epp", "com"), found.server_of("epp", "net")) == ("epp.com.test:700", None)
    assert found.server_of("registrar:two", "net") is None
    assert registries_of(Sources()).server_of("registrar:one", "com") is None


def test_epp_is_a_channel_of_the_registry_and_a_registrar_is_none() -> None:
    """In the order of preference, known by host."""
    found = registries_of()

    assert [key.method for key in found.channels_of("com")] == ["rdap", "epp", "whois"]
    assert ChannelKey("epp", "epp.com.test", "com") in found.channels_of("com")
    found.replace_directory(
        Directory(own={"be": ("https://rdap.be.test/",)}, own_whois={"be": "whois.be.test"}, own_das={"be": "das.be.test:4343"})
    )
    assert found.channels_of("be") == [ChannelKey(method, f"{method}.be.test", "be") for method in ("rdap", "das", "whois")]


def test_the_channel_of_a_source_is_that_of_its_host_and_the_suffix() -> None:
    """For each suffix one: a registrar may sell some and not others. Without a server the suffix stands for it."""
    found = registries_of()

    assert found.channel_of("registrar:one", "dev") == ChannelKey("registrar:one", "one.test", "dev")
    assert found.channel_of("epp", "com") == ChannelKey("epp", "epp.com.test", "com")
    assert found.channel_of("dns", "com") == ChannelKey("dns", "com", "com")
    assert found.channel_of("registrar:two", "net") == ChannelKey("registrar:two", "net", "net")
    assert found.is_in_use(found.channel_of("registrar:one", "dev"))


def test_the_budget_of_a_registrar_is_one_by_vendor_whatever_the_server_and_the_suffix() -> None:
    """With the number of names that one call carries."""
    found = registries_of(registrar_one=Limit("x", 0.5, 2, 100))
    limits = [found.limit_of("registrar:one", server, suffix) for server, suffix in (("one.test", "com"), ("", "dev"))]

    assert limits == [Limit("registrar/one", 0.5, 2, 100, batch=20, configured=True)] * 2
    assert found.limit_of("registrar:two", "", "com").operator == "registrar/two"
    assert found.limit_of("registrar:two", "", "com").batch == 1
    assert registries_of(Sources()).limit_of("registrar:one", "", "com").batch == 1


def test_a_registrar_whose_budget_is_switched_off_has_no_server() -> None:
    """As any other operator."""
    found = registries_of(registrar_one=Limit("x", 0.0, 0))

    assert (found.server_of("registrar:one", "com"), found.server_of("registrar:two", "com")) == (None, "https://two.test")
