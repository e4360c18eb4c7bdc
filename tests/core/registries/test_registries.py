"""Servers and budgets by suffix: which server is queried, and which budget its queries take their tokens from."""

from __future__ import annotations

from common.core.model.channel import ChannelKey
from common.core.model.limit import Limit
from common.core.registries.directory import Directory
from common.core.registries.referrals import EVERY
from common.core.registries.registries import MOST_ADDRESSES, USUAL_ADDRESSES, Registries
from common.core.registries.sources import Source, Sources

NOW = 1_790_000_000.0
IANA = "whois.iana.org"


def registries_of(*, recursive_dns: bool = False, **overrides: Limit) -> Registries:
    """The registry of com, with RDAP and WHOIS, and the one of se, with WHOIS alone; budgets by kind ("rdap", "dns" ...)."""
    return Registries(
        directory=Directory(
            own={"com": ("https://rdap.com.test/v1/",), "test": ("https://rdap.com.test/v1/",)},
            fetched={"com": ("https://rdap.com.test/v1/",)},
            own_whois={"com": "whois.com.test", "se": "whois.se.test:4343"},
        ),
        overrides={"*": Limit("*", 1.0, 1)} | {f"{kind}/*": limit for kind, limit in overrides.items()},
        recursive_dns=recursive_dns,
        iana_host=IANA,
    )


def test_each_method_has_its_server() -> None:
    """A URL for RDAP, a host for WHOIS, none where the checker finds it by itself."""
    found = registries_of()

    assert [found.server_of(method, "com") for method in ("rdap", "whois", "dns", "http")] == [
        "https://rdap.com.test/v1/", "whois.com.test", "", "",
    ]  # fmt: skip
    assert (found.server_of("rdap", "se"), found.server_of("whois", "se")) == (None, "whois.se.test:4343")


def test_a_server_that_must_not_be_queried_is_none() -> None:
    """Its rate is zero: some registries forbid automation."""
    found = registries_of(whois=Limit("*", 0.0, 0))

    assert found.server_of("whois", "com") is None
    assert found.channels_of("com") == [ChannelKey("rdap", "rdap.com.test", "com")]


def test_the_registry_channels_of_a_suffix_are_known_by_host() -> None:
    """RDAP first; without port."""
    found = registries_of()

    assert found.channels_of("com") == [
        ChannelKey("rdap", "rdap.com.test", "com"),
        ChannelKey("whois", "whois.com.test", "com"),
    ]
    assert found.channels_of("se") == [ChannelKey("whois", "whois.se.test", "se")]


def test_a_channel_is_in_use_until_another_server_takes_its_place() -> None:
    """For DNS the suffix stands for the server."""
    found = registries_of()
    old = ChannelKey("rdap", "rdap.com.test", "com")
    assert found.is_in_use(old)
    assert found.is_in_use(ChannelKey("dns", "com", "com"))
    assert not found.is_in_use(ChannelKey("rdap", "rdap.se.test", "se"))

    found.replace_directory(Directory(own={"com": ("https://new.com.test/",)}))
    assert found.server_of("rdap", "com") == "https://new.com.test/"
    assert not found.is_in_use(old)


def test_the_budget_of_dns_grows_with_the_addresses_of_a_zone() -> None:
    """A cautious number before the first answer, a bounded one after it."""
    found = registries_of(dns=Limit("*", 2.0, 3))
    counts = [found.address_count("com")]
    for seen in (13, 0, 1000):
        found.note_address_count("com", seen)
        counts.append(found.address_count("com"))
    assert counts == [USUAL_ADDRESSES, 13, 1, MOST_ADDRESSES]

    assert found.limit_of("dns", "com", "com").address_count == MOST_ADDRESSES
    found.note_address_count("com", 13)
    assert found.limit_of("dns", "com", "com") == Limit("dns/gtld-servers", 26.0, 39, None, 13, configured=True)
    assert found.limit_of("dns", "com", "com") is found.limit_of("dns", "com", "com")
    assert found.limit_of("dns", "se", "se") == Limit("dns/se", 8.0, 12, None, 4, configured=True)


def test_a_resolver_has_one_budget_for_every_suffix() -> None:
    """All its queries go to one host."""
    found = registries_of(recursive_dns=True)

    assert {found.limit_of("dns", suffix, suffix).operator for suffix in ("com", "se")} == {"dns/resolver"}


def test_a_query_takes_its_token_from_the_budget_of_its_server() -> None:
    """That of IANA where a WHOIS query asks for a server, that of the suffix for DNS."""
    found = registries_of()

    assert found.payer_of("rdap", "https://rdap.com.test/v1/", "com") == "rdap.com.test"
    assert found.payer_of("whois", "", "zz") == IANA
    assert found.payer_of("dns", "", "com") == "com"


def test_iana_is_queried_for_the_whois_server_of_a_suffix_without_any_server() -> None:
    """Once a day; what it refers to is used at once, and known after a restart."""
    found = registries_of()
    assert found.server_or_referral("whois", "com", NOW) == "whois.com.test"
    assert found.server_or_referral("rdap", "zz", NOW) is None
    assert found.server_or_referral("whois", "test", NOW) is None  # it has RDAP
    assert found.server_or_referral("whois", "zz", NOW) == ""

    found.learn_referral("zz", "whois.zz.test", NOW)
    assert found.server_or_referral("whois", "zz", NOW) == "whois.zz.test"
    text = found.referrals.take_changed()
    assert text is not None
    again = registries_of()
    assert again.server_of("whois", "zz") is None
    again.restore_referrals(text, NOW + 60)
    assert again.server_of("whois", "zz") == "whois.zz.test"
    late = registries_of()
    late.restore_referrals(text, NOW + EVERY)
    assert late.server_or_referral("whois", "zz", NOW + EVERY) == ""


def sourced(*sources: Source, **overrides: Limit) -> Registries:
    """The registry of uk, with sources of the operator's and no other limits than these."""
    return Registries(
        directory=Directory(own={"uk": ("https://rdap.uk.test/",)}, own_das={"uk": "das.uk.test:2043", "be": "das.be.test"}),
        overrides={f"{kind}/*": limit for kind, limit in overrides.items()},
        recursive_dns=False,
        iana_host=IANA,
        sources=Sources(sources),
    )


def test_an_epp_account_is_the_channel_of_its_suffixes_at_its_own_pace() -> None:
    """One command carries several names; a budget of the operator's goes before the account's rate."""
    account = Source(method="epp", url="epp.uk.test:700", suffixes=("uk",), batch=20, rate=3.0)

    found = sourced(account)
    assert (found.server_of("epp", "uk"), found.server_of("epp", "com")) == ("epp.uk.test:700", None)
    assert ChannelKey("epp", "epp.uk.test", "uk") in found.channels_of("uk")
    limit = found.limit_of("epp", "epp.uk.test", "uk")
    assert (limit.operator, limit.rate, limit.burst, limit.batch) == ("epp/epp.uk.test", 3.0, 6.0, 20)
    limit = sourced(account, epp=Limit("*", 0.5, 2)).limit_of("epp", "epp.uk.test", "uk")
    assert (limit.rate, limit.burst, limit.batch) == (0.5, 2, 20)
    slow = Source(method="epp", url="epp.uk.test:700", suffixes=("uk",), rate=0.1)
    assert sourced(slow).limit_of("epp", "epp.uk.test", "uk").burst == 1.0


def test_a_registrar_has_one_budget_wherever_it_is_and_whatever_it_is_asked_about() -> None:
    """By vendor; its calls carry several names."""
    found = sourced(Source(method="registrar:cloudflare", url="https://proxy.test/cf", batch=20, one_suffix=True))

    assert found.server_of("registrar:cloudflare", "uk") == "https://proxy.test/cf"
    assert found.channel_of("registrar:cloudflare", "uk") == ChannelKey("registrar:cloudflare", "proxy.test", "uk")
    assert found.server_of("registrar:gandi", "uk") is None
    limits = [found.limit_of("registrar:cloudflare", "proxy.test", suffix) for suffix in ("uk", "com")]
    assert [(limit.operator, limit.batch, limit.one_suffix) for limit in limits] == [("registrar/cloudflare", 20, True)] * 2


def test_a_service_whose_form_is_known_from_clients_alone_is_uncertain() -> None:
    """So is one of which nothing is known; the registry's own word makes it certain, wherever its server is."""
    found = sourced()

    assert [found.is_uncertain("das", suffix) for suffix in ("be", "si", "example")] == [False, True, True]
    assert not found.is_uncertain("rdap", "si")
