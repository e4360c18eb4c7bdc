"""EPP greetings and result codes."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Outcome
from common.core.parsers.epp.responses import MOST_SERVICES, parse_greeting, parse_response, read_failure
from tests.core.parsers.epp_samples import DOMAIN, FEE, epp, greeting, response


def test_a_greeting_says_what_the_server_offers() -> None:
    """Objects and extensions in their order, each once."""
    found = parse_greeting(greeting(objects=(DOMAIN, "urn:host", "", DOMAIN), extensions=(FEE, "urn:sec")))

    assert (found.server, found.language) == ("Test Registry", "en")
    assert (found.objects, found.extensions) == ((DOMAIN, "urn:host"), (FEE, "urn:sec"))


@pytest.mark.parametrize(
    ("languages", "taken"), [(("fr", "en"), "en"), (("fr", "de"), "fr"), ((), "en")], ids=["english", "first", "none"]
)
def test_english_is_taken_where_there_is_a_choice(languages: tuple[str, ...], taken: str) -> None:
    """The reasons are read in English."""
    assert parse_greeting(greeting(languages=languages)).language == taken


def test_a_greeting_without_extensions_offers_none() -> None:
    """The element is optional."""
    assert parse_greeting(greeting(extensions=())).extensions == ()


def test_a_greeting_is_bounded() -> None:
    """More than any server has is not looked at."""
    offered = tuple(f"urn:{number}" for number in range(MOST_SERVICES * 2))

    assert parse_greeting(greeting(extensions=offered)).extensions == offered[:MOST_SERVICES]


@pytest.mark.parametrize(
    "data",
    [
        greeting(versions=("2.0",)),
        greeting(objects=("urn:ietf:params:xml:ns:contact-1.0",)),
        response(),
        epp("<greeting/>"),
        b"<epp><greeting/></epp>",
        b"HTTP/1.1 400 Bad Request",
        greeting().replace(b"<epp ", b"<app ").replace(b"</epp>", b"</app>"),
        greeting().replace(b"xml:ns:epp-1.0", b"xml:ns:epp-2.0"),
    ],
)
def test_what_is_no_greeting_of_a_domain_registry_is_refused(data: bytes) -> None:
    """Another version, another object, another message, another namespace."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_greeting(data)


def test_an_answer_has_a_code_a_message_and_our_transaction() -> None:
    """Blanks of a message are collapsed."""
    found = parse_response(response(1001, "done,\n  soon", transaction="dm-7"))

    assert (found.code, found.message, found.transaction) == (1001, "done, soon", "dm-7")


def test_the_reasons_of_a_failure_are_kept() -> None:
    """The message alone is the same for every 2306."""
    why = "<extValue><value><x/></value><reason>too short</reason></extValue><extValue><reason>bad</reason></extValue>"

    assert parse_response(response(2306, "policy", inside=why)).message == "policy; too short; bad"
    assert parse_response(response(2306, "", inside=why)).message == "too short; bad"


def test_what_a_failure_says_is_bounded() -> None:
    """Four reasons, and three hundred characters in all."""
    many = "".join(f"<extValue><reason>{number}</reason></extValue>" for number in range(9))
    long = f"<extValue><reason>{'y' * 290}</reason></extValue>"

    assert parse_response(response(2306, "policy", inside=many)).message == "policy; 0; 1; 2; 3"
    assert len(parse_response(response(2306, "x" * 290, inside=long)).message) == 300


def test_the_first_failure_of_several_results_counts() -> None:
    """RFC 5730 section 2.6 allows several results for failures."""
    body = '<result code="{}"><msg>a</msg></result>'
    several = epp(f"<response>{body.format(1000)}{body.format(2005)}{body.format(2306)}</response>")

    assert parse_response(several).code == 2005
    assert parse_response(epp(f"<response>{body.format(1000)}{body.format(2000)}</response>")).code == 2000
    assert parse_response(epp(f"<response>{body.format(1000)}{body.format(1300)}</response>")).code == 1000


@pytest.mark.parametrize(
    "data",
    [
        epp("<response/>"),
        epp("<response><result><msg>x</msg></result></response>"),
        *(response(code) for code in ("10", "10000", "abcd", "\uff11\uff10\uff10\uff10", "-100")),
        greeting(),
        b"\x00\x01",
    ],
)
def test_an_answer_without_a_clear_code_is_refused(data: bytes) -> None:
    """Four ASCII digits are a code, nothing else is."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_response(data)


@pytest.mark.parametrize(
    ("code", "message", "outcome", "finding"),
    [
        (2502, "Session limit exceeded; server closing connection", Outcome.THROTTLED, "epp_throttled"),
        (2502, "", Outcome.THROTTLED, "epp_throttled"),
        (2400, "Command failed; too many requests", Outcome.THROTTLED, "epp_throttled"),
        (2308, "Rate limit exceeded", Outcome.THROTTLED, "epp_throttled"),
        (2400, "Please try again later", Outcome.THROTTLED, "epp_throttled"),
        (2200, "Authentication error", Outcome.UNKNOWN, "epp_refused"),
        (2200, "Account blocked, please try again later", Outcome.UNKNOWN, "epp_refused"),
        (2201, "Authorization error", Outcome.UNKNOWN, "epp_refused"),
        (2202, "Invalid authorization information", Outcome.UNKNOWN, "epp_refused"),
        (2501, "Authentication error; server closing connection", Outcome.UNKNOWN, "epp_refused"),
        (2001, "Command syntax error", Outcome.UNKNOWN, "epp_error"),
        (2302, "Object exists", Outcome.UNKNOWN, "epp_error"),
        (2303, "Object does not exist", Outcome.UNKNOWN, "epp_error"),
        (2306, "Parameter value policy error", Outcome.UNKNOWN, "epp_error"),
        (2400, "Command failed", Outcome.UNKNOWN, "epp_error"),
        (2500, "Command failed; server closing connection", Outcome.UNKNOWN, "epp_error"),
        (1300, "Command completed successfully; no messages", Outcome.UNKNOWN, "epp_error"),
        (1500, "Command completed successfully; ending session", Outcome.UNKNOWN, "epp_error"),
    ],
)
def test_a_failure_proves_nothing_about_a_name(code: int, message: str, outcome: Outcome, finding: str) -> None:
    """Neither "exists" nor "does not exist" of a failed command is about the names of a check."""
    reading = read_failure(code, message)

    assert (reading.outcome, reading.finding) == (outcome, finding)
    assert f"{code}: {message}" in reading.reason


def test_a_long_message_still_fits_into_a_reading() -> None:
    """Reasons have 300 characters."""
    assert len(read_failure(2502, "x" * 5000).reason) == 300
    assert len(read_failure(2400, "x" * 5000).reason) == 300
