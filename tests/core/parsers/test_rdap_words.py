"""RDAP answers: words that make a 404 doubtful in any language, limits in notices, and dates near RFC 3339."""

import json

import pytest

from common.core.model.evidence import Outcome, Reading
from common.core.parsers.rdap import parse_rdap_answer
from common.core.parsers.rfc3339 import parse_rfc3339, rfc3339_to_epoch

TYPE = {"Content-Type": "application/rdap+json"}


def ask(status: int = 404, **more: object) -> Reading:
    """The reading of an RDAP error about blueheron.dev."""
    error = {"rdapConformance": ["rdap_level_0"], "errorCode": status, "title": "Not Found"} | more
    return parse_rdap_answer(status, TYPE, json.dumps(error).encode(), "blueheron.dev")


@pytest.mark.parametrize(
    "text",
    [
        "Nom de domaine réservé", "NOM RÉSERVÉ", "Nom\u00a0 re\u0301serve\u0301", "Dominio reservado",
        "Domínio indisponível", "Dominio riservato",
        "Domain ist gesperrt", "Ungültig", "Deze naam is geblokkeerd", "Domän spärrad", "Varattu", "Zastrzeżona", "Rezervovaná",
        "Fenntartott", "Зарезервировано", "Δεσμευμένο", "保留域名", "予約済み", "예약", "محجوز",
        "This name is withheld", "On hold",
        "Registration requires approval of the registry", "Only for eligible registrants",
        "Subject to consent", "Sunrise period",
    ],
)  # fmt: skip
def test_a_404_with_a_doubtful_word_of_any_language_proves_nothing(text: str) -> None:
    """In the description, in the title, or in a notice beside them."""
    for error in (
        ask(description=[text]),
        ask(title=text),
        ask(notices=[{"title": "Remark", "description": [text]}]),
        ask(remarks=[{"description": [text]}]),
    ):
        assert error.outcome in {Outcome.UNKNOWN, Outcome.RESERVED, Outcome.INVALID}


@pytest.mark.parametrize(
    "notice",
    [
        {"title": "Status Codes", "description": ["For more information on status codes, visit https://icann.org/epp"]},
        {"title": "RDDS Inaccuracy Complaint Form", "description": ["URL of the ICANN RDDS Inaccuracy Complaint Form"]},
        {"title": "Terms of Use", "description": ["Names may be reserved or blocked; use is prohibited without consent."]},
        {"title": "", "description": ["This service is provided for lawful purposes only; other use is prohibited"]},
        {"title": "Notice", "description": ["x" * 400 + " reserved, blocked and prohibited"]},
        {"title": "Rate Limit Notice", "description": ["Rate Limit is maxed at 10 queries per 1 minutes"]},
        {"title": "Usage", "description": ["Clients that exceed the query limit will be blocked"]},
    ],
)  # fmt: skip
def test_general_notices_change_nothing(notice: dict[str, object]) -> None:
    """Terms of use, explanations, and rate limits that are described and not reached."""
    assert ask(notices=[notice]).finding == "rdap_404_json"


@pytest.mark.parametrize(
    "said", ["Query limit exceeded", "You have exceeded your quota", "Too many requests. Try again later.", "Trop de requêtes"]
)
def test_a_limit_in_a_notice_is_a_limit(said: str) -> None:
    """With any status of the client's, as the title of the notice or in its text."""
    for notice in ({"title": said, "description": ["See our terms"]}, {"title": "Notice", "description": [said]}):
        for status in (400, 403, 404):
            assert ask(status, notices=[notice]).outcome is Outcome.THROTTLED
    body = {"rdapConformance": ["rdap_level_0"], "notices": [{"title": "Notice", "description": [said]}]}
    assert parse_rdap_answer(200, TYPE, json.dumps(body).encode(), "blueheron.dev").outcome is Outcome.THROTTLED


def test_a_record_beside_a_notice_of_a_limit_is_a_record() -> None:
    """The object exists, whatever the server says of the next query."""
    body = {"objectClassName": "domain", "ldhName": "blueheron.dev", "notices": [{"title": "Query limit exceeded"}]}

    assert parse_rdap_answer(200, TYPE, json.dumps(body).encode(), "blueheron.dev").outcome is Outcome.REGISTERED


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2027-03-09T00:00:00+08", "2027-03-09"), ("2027-03-09T00:00:00+8", "2027-03-09"),
        ("2027-03-09T00:00:00+0800", "2027-03-09"),
        ("2027-03-09 00:00:00 (UTC+8)", "2027-03-09"), ("2027-03-09T00:00:00[Asia/Taipei]", "2027-03-09"),
        ("Tue Mar 09 00:00:00 CST 2027", "2027-03-09"), ("Tue, 09 Mar 2027 00:00:00 GMT", "2027-03-09"),
        ("2027/03/09", "2027-03-09"), ("2027/03/09 00:00:00", "2027-03-09"), ("2027.03.09", "2027-03-09"),
        ("20270309", "2027-03-09"),
        ("2027-3-9", "2027-03-09"), ("2027-3-9T00:00:00Z", "2027-03-09"), ("2027年03月09日", "2027-03-09"),
        ("09-Mar-2027", "2027-03-09"),
        ("March 9, 2027", "2027-03-09"), ("9.3.2027", "2027-03-09"),
        ("31/03/2027", "2027-03-31"), ("2027-03-09Z", "2027-03-09"),
        ("2027-03-09T12:30:00+08", "2027-03-09T04:30:00Z"), ("2027-03-09T12:30:00+0800", "2027-03-09T04:30:00Z"),
        ("2027-03-09T00:00:00+08:00", "2027-03-08T16:00:00Z"), ("2027-03-09T00:00:00Z", "2027-03-09T00:00:00Z"),
    ],
)  # fmt: skip
def test_dates_near_rfc_3339_are_read(text: str, iso: str) -> None:
    """Midnight in a zone of the registry's own spelling is a day; what the RFC allows is an instant."""
    assert parse_rfc3339(text) == iso
    assert rfc3339_to_epoch(text) is not None


@pytest.mark.parametrize(
    "text",
    ["03/09/2027", "09-03-2027", "never", "1804550400", "1804550400000", "2027", "2027-13-09", "2027-W10-2", "x" * 90],
)
def test_a_date_that_could_be_read_in_two_ways_is_none(text: str) -> None:
    """Nothing is guessed: neither which number is the month nor what a bare number counts."""
    assert parse_rfc3339(text) is None


def test_an_expiry_in_such_a_form_is_kept() -> None:
    """The record shows it like any other."""
    events = [{"eventAction": "expiration", "eventDate": "2027/03/09"}]
    body = {"objectClassName": "domain", "ldhName": "blueheron.dev", "status": ["active"], "events": events}

    assert parse_rdap_answer(200, TYPE, json.dumps(body).encode(), "blueheron.dev").fields.expires_at == "2027-03-09"
