"""The answer to an EPP check: what it says about each name."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.model.evidence import EXCERPT_LIMIT, Offer, Outcome, Phase, Reading
from common.core.parsers.epp.check_answer import make_excerpts, parse_check_answer
from common.core.parsers.epp.reasons import read_reason
from tests.core.parsers.epp_samples import DOMAIN, FEE, check, fee, fees, names, response

NAME = "one.example"


def read(data: bytes) -> Reading:
    """What an answer says about one.example."""
    return parse_check_answer(data, [NAME])[NAME]


def offer(*prices: str, currency: str = "USD") -> tuple[str, Offer | None]:
    """The finding and the offer where one.example is available at these prices."""
    found = read(check((NAME, "1", ""), prices=fees(*prices, currency=currency)))
    return found.finding, found.offer


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("avail", ["1", "true"])
def test_an_available_name_can_be_created(avail: str) -> None:
    """Without a price the answer does not say whether it is premium."""
    found = read(check((NAME, avail, "")))

    assert (found.outcome, found.finding, found.offer) == (Outcome.UNREGISTERED, "epp_available", Offer())
    assert found.offer is not None
    assert found.offer.premium is None


@pytest.mark.parametrize("avail", ["0", "false"])
def test_an_unavailable_name_without_a_reason_is_only_unavailable(avail: str) -> None:
    """It may be registered, reserved or not sold."""
    found = read(check((NAME, avail, "")))

    assert (found.outcome, found.finding, found.offer) == (Outcome.UNAVAILABLE, "epp_unavailable", None)


@pytest.mark.parametrize("avail", ["", "yes", "TRUE", "2", " 1", "01"])
def test_another_value_of_avail_proves_nothing(avail: str) -> None:
    """XML Schema knows four spellings of a boolean."""
    found = read(check((NAME, avail, "")))

    assert (found.outcome, found.finding) == (Outcome.UNKNOWN, "epp_unparsed")


def test_a_name_without_avail_proves_nothing() -> None:
    """The attribute is required."""
    assert read(check((NAME, "1", "")).replace(b' avail="1"', b"")).finding == "epp_unparsed"


def test_each_name_gets_its_own_reading_whatever_the_order_is() -> None:
    """Entries are found by name, never by place."""
    data = check(("three.example", "0", "In use"), ("one.example", "1", ""), ("two.example", "0", "Reserved"))
    found = parse_check_answer(data, ["one.example", "two.example", "three.example"])

    assert list(found) == ["one.example", "two.example", "three.example"]
    assert [each.finding for each in found.values()] == ["epp_available", "epp_reserved", "epp_in_use"]


def test_a_name_that_the_answer_leaves_out_is_unknown() -> None:
    """A partial answer is one about the others only."""
    found = parse_check_answer(check(("two.example", "1", "")), [NAME, "two.example"])

    assert (found[NAME].outcome, found[NAME].finding) == (Outcome.UNKNOWN, "epp_missing")
    assert found["two.example"].outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize("spoken", ["ONE.EXAMPLE", "one.example.", " one.example\n"])
def test_case_and_a_final_dot_make_no_other_name(spoken: str) -> None:
    """Names are compared as A-labels."""
    assert read(check((spoken, "1", ""))).outcome is Outcome.UNREGISTERED


def test_the_unicode_form_is_the_same_name() -> None:
    """Some servers answer a question about an A-label with U-labels."""
    data = check(("BÜCHER.example", "1", ""))

    assert parse_check_answer(data, ["xn--bcher-kva.example"])["xn--bcher-kva.example"].outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize("spoken", ["one.example.com", "xone.example", "one-example", "one.examp1e", ""])
def test_another_name_is_not_taken_for_ours(spoken: str) -> None:
    """Neither a longer nor a similar one."""
    assert read(check((spoken, "1", ""))).finding == "epp_missing"


def test_two_entries_about_one_name_prove_nothing() -> None:
    """Also where both say the same: the server is confused."""
    assert read(check((NAME, "0", "In use"), (NAME, "1", ""))).finding == "epp_unparsed"


@pytest.mark.parametrize(
    "data",
    [
        check((NAME, "1", "")).replace(DOMAIN.encode(), b"urn:ietf:params:xml:ns:host-1.0"),
        response(data=names((NAME, "1", "")) * 2),
        response(),
        check((NAME, "1", "")).replace(b"resData", b"msgQ"),
    ],
    ids=["hosts", "twice", "empty", "elsewhere"],
)
def test_results_of_another_kind_are_not_looked_at(data: bytes) -> None:
    """Another mapping's cd elements look the same."""
    assert read(data).finding == "epp_missing"


@pytest.mark.parametrize("data", [b"", b"garbage", b"<epp/>", check((NAME, "1", ""))[:-20]])
def test_what_is_no_answer_proves_nothing(data: bytes) -> None:
    """Every name is unknown."""
    assert {(each.outcome, each.finding) for each in parse_check_answer(data, [NAME, "b.example"]).values()} == {
        (Outcome.UNKNOWN, "epp_unparsed")
    }


def test_a_failed_command_proves_nothing_whatever_it_contains() -> None:
    """Results beside a failure are not taken."""
    found = read(response(2400, "Command failed", data=names((NAME, "1", ""))))

    assert (found.outcome, found.finding) == (Outcome.UNKNOWN, "epp_error")
    assert read(response(1001, "pending", data=names((NAME, "1", "")))).finding == "epp_error"


# -- prices ------------------------------------------------------------------------------------------------------------


def test_a_standard_name_has_its_price() -> None:
    """RFC 8748 section 3.7: the class "standard" is that of names without a price of their own."""
    assert offer(fee(NAME)) == ("epp_available", Offer(premium=False, price=Decimal("8.50"), currency="USD"))
    assert offer(fee(NAME, kind=" STANDARD ")) == offer(fee(NAME))


@pytest.mark.parametrize("kind", ["premium", "Premium-Tier-3", "standardish", "AAA"])
def test_any_other_class_is_premium(kind: str) -> None:
    """The words of the classes are the registry's own."""
    found = read(check((NAME, "1", ""), prices=fees(fee(NAME, kind=kind, price="5000"), currency="EUR")))

    assert (found.outcome, found.finding) == (Outcome.PREMIUM, "epp_premium")
    assert found.offer == Offer(premium=True, price=Decimal(5000), currency="EUR")


def test_without_a_class_the_command_says_whether_its_price_is_standard() -> None:
    """The attribute stands only where the server knows it; its default says nothing."""
    assert offer(fee(NAME, kind="", attributes='standard="1"'))[1] == Offer(
        premium=False, price=Decimal("8.50"), currency="USD"
    )
    for attributes in ("", 'standard="0"', 'standard="maybe"'):
        finding, found = offer(fee(NAME, kind="", attributes=attributes))
        assert (finding, found) == ("epp_available", Offer(price=Decimal("8.50"), currency="USD"))
    assert offer(fee(NAME, kind="gold", attributes='standard="1"'))[0] == "epp_premium"


def test_fees_and_credits_are_added() -> None:
    """A creation may cost several fees."""
    more = "<f:fee>1.25</f:fee><f:fee>0</f:fee><f:credit>-2</f:credit><f:period unit='y'>2</f:period>"

    assert offer(fee(NAME, more=more))[1] == Offer(premium=False, price=Decimal("7.75"), currency="USD", years=2)


@pytest.mark.parametrize(
    ("period", "years"),
    [
        ("<f:period unit='y'>10</f:period>", 10),
        ("<f:period unit='m'>10</f:period>", 1),
        ("<f:period unit='y'>0</f:period>", 1),
        ("<f:period unit='y'>100</f:period>", 1),
        ("<f:period unit='y'>x</f:period>", 1),
        ("<f:period>3</f:period>", 1),
    ],
)
def test_a_price_is_for_the_years_that_are_named(period: str, years: int) -> None:
    """One year where no whole number of years is named."""
    found = offer(fee(NAME, more=period))[1]

    assert found is not None
    assert found.years == years


@pytest.mark.parametrize("price", ["", "free", "1,50", "1e3", "NaN", "-5", "9999999999999", "1.1234567", "٣"])
def test_what_is_no_price_is_left_out(price: str) -> None:
    """The name is available all the same."""
    assert offer(fee(NAME, price=price)) == ("epp_available", Offer(premium=False))


def test_a_credit_alone_is_no_price() -> None:
    """What is paid back is not what a creation costs."""
    assert offer(fee(NAME, price="", more="<f:credit>5</f:credit>"))[1] == Offer(premium=False)


@pytest.mark.parametrize("currency", ["", "usd", "US", "DOLLAR", "U$D"])
def test_a_price_without_a_currency_is_left_out(currency: str) -> None:
    """A figure alone says nothing."""
    assert offer(fee(NAME), currency=currency) == ("epp_available", Offer(premium=False))


@pytest.mark.parametrize(
    "entry",
    [fee(NAME, avail="0"), fee(NAME, avail="maybe"), fee(NAME, command="renew")],
    ids=["unavailable", "unclear", "renew"],
)
def test_without_the_price_of_a_creation_the_answer_does_not_say_whether_it_is_premium(entry: str) -> None:
    """The check itself still counts."""
    assert offer(entry) == ("epp_available", Offer())


def test_a_premium_class_counts_also_without_a_price() -> None:
    """RFC 8748: avail="0" says that no price can be told."""
    assert offer(fee(NAME, kind="gold", avail="0")) == ("epp_premium", Offer(premium=True))


def test_the_price_of_another_name_is_not_ours() -> None:
    """Prices are found by name too."""
    assert offer(fee("two.example", kind="gold")) == ("epp_available", Offer())


def test_of_two_prices_none_counts_but_premium_does() -> None:
    """A confused server cannot make a premium name a cheap one."""
    assert offer(fee(NAME), fee(NAME)) == ("epp_available", Offer())
    assert offer(fee(NAME), fee(NAME, kind="gold")) == ("epp_premium", Offer(premium=True))


def test_prices_of_another_extension_are_not_looked_at() -> None:
    """Old drafts had other meanings."""
    data = check((NAME, "1", ""), prices=fees(fee(NAME, kind="gold")).replace(FEE, "urn:ietf:params:xml:ns:fee-0.7"))

    assert read(data).offer == Offer()


# -- reasons -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "outcome", "finding"),
    [
        ("In use", Outcome.REGISTERED, "epp_in_use"),
        ("in-use", Outcome.REGISTERED, "epp_in_use"),
        ("Registered", Outcome.REGISTERED, "epp_in_use"),
        ("Domain already registered.", Outcome.REGISTERED, "epp_in_use"),
        ("Object exists", Outcome.REGISTERED, "epp_in_use"),
        ("Domain name is taken", Outcome.REGISTERED, "epp_in_use"),
        ("Reserved", Outcome.RESERVED, "epp_reserved"),
        ("Reserved Domain Name", Outcome.RESERVED, "epp_reserved"),
        ("Blocked by a GlobalBlock order", Outcome.RESERVED, "epp_reserved"),
        ("Blocked by DPML", Outcome.RESERVED, "epp_reserved"),
        ("Restricted name", Outcome.RESERVED, "epp_reserved"),
        ("Prohibited string", Outcome.RESERVED, "epp_reserved"),
        ("Forbidden name", Outcome.RESERVED, "epp_reserved"),
        ("Banned word", Outcome.RESERVED, "epp_reserved"),
        ("Withheld by the registry", Outcome.RESERVED, "epp_reserved"),
        ("Name collision", Outcome.RESERVED, "epp_reserved"),
        ("Premium-blocked", Outcome.RESERVED, "epp_reserved"),
        ("Invalid", Outcome.INVALID, "epp_invalid"),
        ("Invalid domain name", Outcome.INVALID, "epp_invalid"),
        ("Illegal characters in name", Outcome.INVALID, "epp_invalid"),
        ("Malformed label", Outcome.INVALID, "epp_invalid"),
        ("Syntax error", Outcome.INVALID, "epp_invalid"),
        ("Invalid length", Outcome.INVALID, "epp_invalid"),
        ("Too many requests", Outcome.THROTTLED, "epp_throttled"),
        ("Quota exceeded", Outcome.THROTTLED, "epp_throttled"),
        ("Please try again later", Outcome.THROTTLED, "epp_throttled"),
    ],
)
def test_a_clear_reason_is_read(reason: str, outcome: Outcome, finding: str) -> None:
    """Whole words, in any case."""
    found = read(check((NAME, "0", reason)))

    assert (found.outcome, found.finding, found.phase) == (outcome, finding, None)
    assert reason in found.reason


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "Not available",
        "unavailable",
        "Premium name",
        "Cannot be registered",
        "Not registered",
        "No longer reserved",
        "Not in use",
        "unregistered",
        "un-registered",
        "Registered trademark",
        "May be registered by residents",
        "Similar name exists",
        "Registrar is blocked",
        "Access restricted",
        "Account restricted",
        "Invalid request",
        "Invalid authorisation",
        "Reserved or already registered",
        "Invalid or reserved name",
        "Can be taken",
        "reservedly",
        "inuse",
        "Existing",
        "Réservé",
        "已注册",
        "Drop",
        "May Drop",
        "Drop soon",
        "Drop 2027-13-45T00:00:00Z",
        "Drop 2027-01-02T03:04:05Z or later",
        "Raindrop 2027-01-02T03:04:05Z",
    ],
)
def test_an_unclear_reason_says_only_that_it_cannot_be_created(reason: str) -> None:
    """What is denied, supposed, ambiguous, about something else or in other words is not read."""
    found = read(check((NAME, "0", reason)))

    assert (found.outcome, found.finding, found.phase) == (Outcome.UNAVAILABLE, "epp_unavailable", None)
    assert found.reason == f"it cannot be created: {reason or 'no reason given'}"


@pytest.mark.parametrize(
    ("reason", "finding", "phase"),
    [
        ("May Drop 2027-01-02T03:04:05Z", "epp_redemption", Phase.REDEMPTION),
        ("may drop 2027-01-02T03:04:05Z", "epp_redemption", Phase.REDEMPTION),
        ("Drop 2027-01-02T03:04:05Z", "epp_pending_delete", Phase.PENDING_DELETE),
    ],
)
def test_nominet_announces_the_deletion(reason: str, finding: str, phase: Phase) -> None:
    """Registered until then, and the time stands in the reason."""
    found = read(check((NAME, "0", reason)))

    assert (found.outcome, found.finding, found.phase) == (Outcome.REGISTERED, finding, phase)
    assert "2027-01-02T03:04:05Z" in found.reason


@pytest.mark.parametrize("words", ["Too many requests ", "Nothing ", "Reserved "])
def test_a_long_reason_still_fits_into_a_reading(words: str) -> None:
    """Reasons have 300 characters."""
    assert len(read_reason(words + "x" * 290).reason) == 300


def test_a_reason_of_an_available_name_does_not_count() -> None:
    """Servers give reasons beside avail="1" too."""
    assert read(check((NAME, "1", "In use"))).outcome is Outcome.UNREGISTERED


# -- evidence ----------------------------------------------------------------------------------------------------------


def test_an_excerpt_holds_what_the_answer_says_about_one_name() -> None:
    """Result, entry and price of that name, nothing of its neighbours."""
    data = check((NAME, "1", ""), ("two.example", "0", "In use"), prices=fees(fee(NAME), fee("two.example")))
    found = make_excerpts(data, [NAME, "two.example", "three.example"])

    assert found[NAME].startswith("1000 Command completed")
    assert 'avail="1">one.example' in found[NAME]
    assert "8.50" in found[NAME]
    assert "two.example" not in found[NAME]
    assert "In use" in found["two.example"]
    assert found["three.example"] == "1000 Command completed successfully\n"


def test_an_excerpt_is_bounded_and_total() -> None:
    """Evidence has 2,000 characters, and bytes that are no answer none."""
    assert len(make_excerpts(check((NAME, "0", "x" * 4000)), [NAME])[NAME]) == EXCERPT_LIMIT
    assert make_excerpts(b"garbage", [NAME]) == {NAME: ""}


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_give_a_reading_for_every_name(data: bytes) -> None:
    """None of them of a free or a taken name."""
    assert parse_check_answer(data, [NAME, "b.example"]).keys() == {NAME, "b.example"}
    assert read(data).outcome in (Outcome.UNKNOWN, Outcome.THROTTLED)
    make_excerpts(data, [NAME])


@given(st.data())
def test_a_damaged_answer_never_frees_a_name(data: st.DataObject) -> None:
    """Bytes lost, changed or added anywhere in "in use" make no "available"."""
    good = bytearray(check((NAME, "0", "In use"), prices=fees(fee(NAME))))
    place = data.draw(st.integers(0, len(good) - 1))
    good[place : place + data.draw(st.integers(1, 30))] = data.draw(st.binary(max_size=3).filter(lambda new: b"1" not in new))

    assert read(bytes(good)).outcome not in (Outcome.UNREGISTERED, Outcome.PREMIUM)


@given(st.text(max_size=300))
def test_no_reason_frees_a_name(text: str) -> None:
    """Any text gives a reading that fits into a message."""
    found = read_reason(text)

    assert found.outcome not in (Outcome.UNREGISTERED, Outcome.PREMIUM, Outcome.UNKNOWN)
    assert len(found.reason) <= 300
