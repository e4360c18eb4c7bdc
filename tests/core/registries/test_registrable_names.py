"""Names: what users write becomes one A-label form, or a reason; suffixes follow the public suffix list."""

from __future__ import annotations

import re
import time
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from common.core.builtin.canary_names import canaries_for, parse_canaries
from common.core.builtin.suffix_rules import p_registrable_for, rules_for
from common.core.builtin.tlds import BRAND_TLDS, IDENTITY_DIGITAL_TLDS, PRIVATE_SUFFIXES
from common.core.model.scripts import mixed_script
from common.core.registries.registrable_names import is_wire_name, parse_domain_name, to_ascii, to_unicode
from common.errors import ConfigError, NameProblem
from common.suffixes import build, icann_rules, load_suffixes

SUFFIX_OF = load_suffixes()


def code_of(text: str) -> str:
    """The code of the refusal of `text`."""
    with pytest.raises(NameProblem) as caught:
        parse_domain_name(text, SUFFIX_OF)

    assert str(caught.value)
    assert str(caught.value).isprintable()
    return caught.value.code


@pytest.mark.parametrize(
    ("text", "alabel", "suffix"),
    [
        ("example.com", "example.com", "com"),
        ("  EXAMPLE.Com.\n", "example.com", "com"),
        ("foo.co.uk", "foo.co.uk", "co.uk"),
        ("foo.uk", "foo.uk", "uk"),
        ("straße.de", "xn--strae-oqa.de", "de"),  # non-transitional: not strasse.de
        ("BÜCHER.DE", "xn--bcher-kva.de", "de"),
        ("bu\u0308cher.de", "xn--bcher-kva.de", "de"),  # decomposed input
        ("例え。jp", "xn--r8jz45g.jp", "jp"),  # ideographic full stop
        ("\uff45xample\uff0ecom", "example.com", "com"),  # full-width letter and full stop
        ("пример.рф", "xn--e1afmkfd.xn--p1ai", "xn--p1ai"),
        ("xn--n3h.ws", "xn--n3h.ws", "ws"),  # a registered emoji name, forbidden by IDNA2008
        ("a--b.com", "a--b.com", "com"),
        ("x.foo.ck", "x.foo.ck", "foo.ck"),
        ("www.ck", "www.ck", "ck"),
        ("foo.uk.com", "foo.uk.com", "uk.com"),
        ("a" * 63 + ".com", "a" * 63 + ".com", "com"),
    ],
)
def test_a_name_becomes_its_a_label_form_with_its_registry_suffix(text: str, alabel: str, suffix: str) -> None:
    """Case, Unicode form, dots and script of the input do not matter; the suffix is the registry's."""
    name = parse_domain_name(text, SUFFIX_OF)

    assert (name.alabel, name.suffix) == (alabel, suffix)
    assert f"{name.label}.{name.suffix}" == name.alabel
    assert is_wire_name(name.alabel)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" . ", "empty"),
        ("a" * 1025, "too_long"),
        ("ü" * 600 + ".de", "too_long"),  # more than 1,024 bytes
        ("a." * 130 + "com", "too_long"),
        ("https://example.com/x", "bad_character"),
        ("example.com/x", "bad_character"),
        ("me@example.com", "bad_character"),
        ("*.example.com", "bad_character"),
        ("_dmarc.example.com", "bad_character"),
        ("exa mple.com", "bad_character"),
        ("example.com:443", "bad_character"),
        ("exämple.com:443", "bad_character"),
        ("a\x00.com", "bad_character"),
        ("a\r\nHELO.com", "bad_character"),
        ("exa\u202emple.com", "bad_character"),
        ("\ud800.com", "bad_character"),
        ("a..com", "bad_label"),
        (".com", "bad_label"),
        ("a.com..", "bad_label"),
        ("-a.com", "bad_label"),
        ("a-.com", "bad_label"),
        ("ab--c.com", "bad_label"),
        ("a" * 64 + ".com", "bad_label"),
        ("☃.net", "not_idna"),
        ("xn--.com", "not_idna"),
        ("xn--a.com", "not_idna"),
        ("xn--99999999.com", "not_idna"),
        ("192.0.2.1", "ip_address"),
        ("2001:db8::1", "ip_address"),
        ("[::1]", "ip_address"),
        ("10.0.300.1", "unknown_suffix"),
        ("localhost", "unknown_suffix"),
        ("host.internal", "unknown_suffix"),
        ("com", "public_suffix"),
        ("co.uk", "public_suffix"),
        ("foo.ck", "public_suffix"),
        ("www.example.com", "subdomain"),
        ("foo.github.io", "subdomain"),
        ("x.www.ck", "subdomain"),
        ("home.gov.uk", "restricted"),
        ("nasa.gov", "restricted"),
        ("x.edu.au", "restricted"),
        ("1.in-addr.arpa", "restricted"),
        ("bücher.co.uk", "idn_not_allowed"),
        ("google.рф", "ascii_not_allowed"),
        ("x.eu", "label_too_short"),
    ],
)
def test_what_cannot_be_watched_has_a_stable_code_and_a_sentence(text: str, code: str) -> None:
    """Every refusal names its reason."""
    assert code_of(text) == code


def test_a_subdomain_names_what_to_watch_instead() -> None:
    """The reason carries the registrable name."""
    with pytest.raises(NameProblem, match=r"watch example\.co\.uk instead"):
        parse_domain_name("a.b.www.example.co.uk", SUFFIX_OF)


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_wire_name_or_a_name_problem(text: str) -> None:
    """Nothing else comes out, whatever goes in, and what comes out is stable."""
    try:
        name = parse_domain_name(text, SUFFIX_OF)
    except NameProblem:
        return

    assert is_wire_name(name.alabel)
    assert re.fullmatch(r"[a-z0-9.-]{1,253}", name.alabel)
    assert parse_domain_name(name.alabel, SUFFIX_OF) == name


@given(st.lists(st.text("abxn-ßü例.\u06f0_\u0308\u200dЖ", max_size=8), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_the_display_form_leads_back_to_the_same_name(parts: list[str]) -> None:
    """A-label to U-label and back is the identity for every name that passes."""
    try:
        alabel = to_ascii(".".join([*parts, "com"]))
    except NameProblem:
        return

    assert to_ascii(to_unicode(alabel)) == alabel


def test_suffixes_agree_with_the_reference_library_on_every_rule() -> None:
    """Each rule, one and two labels below it, matches as the library of the list does."""
    reference = PublicSuffixList(only_icann=True, accept_unknown=False)
    rules = {rule.lstrip("!").replace("*", "any") for rule in icann_rules_of_package()}

    wrong = [
        (name, SUFFIX_OF(name), reference.publicsuffix(name))
        for rule in rules
        for name in (rule, f"a.{rule}", f"b.a.{rule}")
        if "." in name and SUFFIX_OF(name) != reference.publicsuffix(name)
    ]

    assert [row for row in wrong if not row[0].endswith(tuple(PRIVATE_SUFFIXES))] == []


def icann_rules_of_package() -> list[str]:
    """Every rule of the packaged list."""
    text = resources.files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    return icann_rules(text)


def test_a_hundred_thousand_names_take_about_a_second() -> None:
    """Loading a large list must not be felt; the bound leaves room for a busy machine."""
    names = [f"name-{number}.{suffix}" for number in range(20_000) for suffix in ("com", "co.uk", "de", "io", "osaka.jp")]
    started = time.perf_counter()

    for name in names:
        parse_domain_name(name, SUFFIX_OF)

    assert time.perf_counter() - started < 4


def test_a_very_deep_name_costs_no_more_than_its_length() -> None:
    """Rules are matched from the right and no further than rules reach."""
    lookup = build(["jp", "*.kawasaki.jp", "!city.kawasaki.jp"])

    assert lookup("a." * 120 + "b.kawasaki.jp") == "b.kawasaki.jp"
    assert lookup("x.city.kawasaki.jp") == "kawasaki.jp"
    assert lookup("kawasaki.jp") == "kawasaki.jp"
    assert lookup("jp") == "jp"
    assert lookup("") is None


def test_mixed_scripts_are_noticed() -> None:
    """Latin with Cyrillic in one label is suspicious, Japanese with Latin is not."""
    assert mixed_script("\u0440\u0430ypal.com")
    assert not mixed_script("пример.com")
    assert not mixed_script("日本ニュースabc.jp")


@pytest.mark.parametrize(
    ("suffix", "kind", "dropzone", "release"),
    [
        ("com", "gtld_legacy", False, None),
        ("io", "cctld", True, "dropzone"),
        ("academy", "gtld", True, "dropzone"),
        ("xyz", "gtld", False, None),
        ("cz", "cctld", False, "auction"),
        ("com.br", "cctld", False, "liberation"),
        ("ca", "cctld", False, "tbr"),
        ("co.nz", "cctld", False, "tbr"),
        ("ee", "cctld", False, "auction"),
        ("br.com", "private", False, None),
        ("xn--p1ai", "cctld", False, None),
        ("uk.com", "private", False, None),
        ("nonsense", "gtld", False, None),
    ],
)
def test_rules_of_a_suffix(suffix: str, kind: str, dropzone: bool, release: str | None) -> None:
    """Kind and release procedure follow the registry."""
    rules = rules_for(suffix)

    assert (rules.kind, rules.dropzone, rules.release) == (kind, dropzone, release)


def test_wildcards_are_known() -> None:
    """DNS proves nothing where the suffix answers for every name."""
    assert rules_for("ws").wildcard_known
    assert not rules_for("com").wildcard_known


@pytest.mark.parametrize(
    ("label", "suffix", "low", "high"),
    [
        ("example", "com", 0.99, 1.0),
        ("example", "xyz", 0.9, 0.96),
        ("news", "xyz", 0.5, 0.65),
        ("example", "de", 0.9, 0.97),
        ("x", "com", 0.0, 0.0),
        ("example", "bmw", 0.0, 0.0),
        ("example", "gov.uk", 0.0, 0.0),
        ("xn--n3h", "com", 0.0, 0.0),
        ("xn--n3h", "ws", 0.3, 0.6),
        ("xn--strae-oqa", "de", 0.9, 0.97),
        ("example", "oslo.no", 0.0, 0.0),
    ],
)
def test_how_likely_a_free_name_can_be_had(label: str, suffix: str, low: float, high: float) -> None:
    """Short labels, brands, closed suffixes and symbols are not simply available when they are unregistered."""
    assert low <= p_registrable_for(label, suffix) <= high


def test_tables_hold_only_known_top_level_domains() -> None:
    """A typing error in a table would silently change what may be announced."""
    assert [tld for tld in sorted(BRAND_TLDS | IDENTITY_DIGITAL_TLDS) if SUFFIX_OF(tld) != tld] == []


@pytest.mark.parametrize(
    "suffix", ["com", "co.uk", "com.br", "io", "xyz", "academy", "fr", "co.za", "uk.com", "xn--p1ai", "ad"]
)
def test_canaries_lie_directly_below_their_suffix(suffix: str) -> None:
    """At most three, each a name that can be watched."""
    names = canaries_for(suffix)

    assert 1 <= len(names) <= 3
    assert {parse_domain_name(name, SUFFIX_OF).suffix for name in names} == {suffix}


def test_a_suffix_without_known_names_has_no_canaries() -> None:
    """Better none than a guess: a wrong canary would quarantine a good server."""
    assert canaries_for("tokyo.jp") == ()


def test_the_canaries_file_is_read_and_checked() -> None:
    """Rows are lower-cased; a name that is not directly below its suffix is refused by row."""
    assert parse_canaries(b'{"COM": ["Example.com."]}') == {"com": ("example.com",)}
    assert parse_canaries(b"{}") == {}
    for bad in (b"", b"[]", b'{"com": "example.com"}', b'{"com": ["example.net"]}', b'{"com": ["a.b.com"]}', b'{"": ["com"]}'):
        with pytest.raises(ConfigError):
            parse_canaries(bad)
    with pytest.raises(ConfigError, match="bytes"):
        parse_canaries(b" " * (1 << 20) + b"{}")
