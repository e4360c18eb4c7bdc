"""The door to all vendors' parsers: from an HTTP answer to a reading for each name, and the rate limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.core.model.evidence import Outcome, Quota, Reading
from common.core.parsers.registrar import PARSERS, parse_registrar_answer, parse_registrar_answers
from common.core.parsers.registrars.findings import Answer, Finding, Parsed, fail_whole
from tests.core.parsers.registrars.readings import A, B, offer

FREE = {"domain": A, "available": True, "definitive": True}
NOW = 1.8e9


def read(status: int, headers: dict[str, str] | None = None, value: Any = FREE) -> Reading:
    """What an answer of GoDaddy says about the name."""
    readings, _ = parse_registrar_answers("godaddy", status, headers or {}, json.dumps(value).encode(), [A], NOW)
    return readings[A]


def play(monkeypatch: pytest.MonkeyPatch, parsed: Parsed, headers: dict[str, str] | None = None) -> Any:
    """What the door makes of an answer that a parser read."""
    monkeypatch.setitem(PARSERS, "lab", lambda _status, _body, _names: parsed)
    return parse_registrar_answers("lab", 200, headers or {}, b"", [A, B], NOW)


@pytest.mark.parametrize(
    ("finding", "outcome", "key"),
    [
        (Finding.LIVE, Outcome.UNREGISTERED, "registrar_available_live"),
        (Finding.CACHED, Outcome.UNREGISTERED, "registrar_available_cached"),
        (Finding.PREMIUM, Outcome.PREMIUM, "registrar_premium"),
        (Finding.UNAVAILABLE, Outcome.UNAVAILABLE, "registrar_unavailable"),
        (Finding.REGISTERED, Outcome.REGISTERED, "registrar_registered"),
        (Finding.AFTERMARKET, Outcome.REGISTERED, "registrar_aftermarket"),
        (Finding.RESERVED, Outcome.RESERVED, "registrar_reserved"),
        (Finding.DROPPING, Outcome.DROPPING, "registrar_dropping"),
        (Finding.INVALID, Outcome.INVALID, "registrar_invalid"),
        (Finding.UNSUPPORTED, Outcome.UNKNOWN, "registrar_unsupported"),
        (Finding.THROTTLED, Outcome.THROTTLED, "registrar_throttled"),
        (Finding.REFUSED, Outcome.UNKNOWN, "registrar_refused"),
        (Finding.NOTHING, Outcome.UNKNOWN, "registrar_unparsed"),
        (Finding.MISSING, Outcome.UNKNOWN, "registrar_missing"),
        (Finding.ERROR, Outcome.UNKNOWN, "registrar_error"),
    ],
)
def test_each_finding_has_its_outcome(monkeypatch: pytest.MonkeyPatch, finding: Finding, outcome: Outcome, key: str) -> None:
    """And the offer with it; a name that the answer does not have is missing."""
    readings, quota = play(monkeypatch, Parsed({A: Answer(finding, offer("5"))}))

    assert (readings[A].outcome, readings[A].finding, readings[A].offer) == (outcome, key, offer("5"))
    assert (readings[B].outcome, readings[B].finding, readings[B].offer) == (Outcome.UNKNOWN, "registrar_missing", None)
    assert quota is None


def test_every_finding_is_told() -> None:
    """None is forgotten in the table above."""
    told = next(mark for mark in test_each_finding_has_its_outcome.pytestmark if mark.name == "parametrize")

    assert {row[0] for row in told.args[1]} == set(Finding)


def test_a_failure_of_the_call_is_about_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands beside it."""
    parsed = Parsed({A: Answer(Finding.LIVE)}, Answer(Finding.REFUSED, said="no such key"))
    readings, _ = play(monkeypatch, parsed)

    assert [reading.finding for reading in readings.values()] == ["registrar_refused"] * 2
    assert readings[A].reason.endswith(" (no such key)")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("", ""),
        ("No\nSuch\x1b[0m key", " (NoSuch[0m key)"),
        ("c" * 120, f" ({'c' * 120})"),
        ("c" * 121, ""),
        (f"{'c' * 121} d", ""),
        (f"{'c' * 120} d", f" ({'c' * 120})"),
        (f"a {'c' * 119}", " (a)"),
        (f"a {'c' * 118}", f" (a {'c' * 118})"),
    ],
)
def test_the_vendors_word_is_shown_bounded_and_printable(monkeypatch: pytest.MonkeyPatch, said: str, shown: str) -> None:
    """Cut between words: half a key would be known to no scrubber."""
    readings, _ = play(monkeypatch, fail_whole(Finding.ERROR, said))

    assert readings[A].reason == f"the registrar reports an error{shown}"


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_can_say_that_too_much_is_asked(status: int) -> None:
    """With the wait that it names, in seconds or as a date."""
    reading = read(status, {"retry-after": "30"})

    assert (reading.outcome, reading.finding, reading.retry_after) == (Outcome.THROTTLED, "registrar_throttled", 30.0)
    assert reading.reason.endswith(f"(HTTP {status})")
    assert read(status, {"retry-after": "Fri, 15 Jan 2027 08:01:00 GMT"}).retry_after == 60.0
    assert read(status).retry_after is None


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        (401, "registrar_refused"),
        (402, "registrar_refused"),
        (403, "registrar_refused"),
        (0, "registrar_error"),
        (199, "registrar_error"),
        (500, "registrar_error"),
        (502, "registrar_error"),
        (999, "registrar_error"),
        (404, "registrar_error"),
        (302, "registrar_error"),
    ],
)
def test_a_status_of_trouble_is_never_about_the_name(status: int, finding: str) -> None:
    """Keys, addresses and breakage, whatever the body says."""
    reading = read(status, {"retry-after": "30"})

    assert (reading.outcome, reading.finding, reading.retry_after) == (Outcome.UNKNOWN, finding, None)
    assert reading.reason.endswith(f"(HTTP {status})")


def test_the_bodies_of_such_statuses_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """All others are the vendor's parser's."""
    seen = []
    monkeypatch.setitem(PARSERS, "lab", lambda status, _body, _names: seen.append(status) or Parsed())
    for status in range(1000):
        parse_registrar_answers("lab", status, {}, b"", [A])

    assert seen == [status for status in range(200, 500) if status not in {401, 402, 403, 429}]


def test_a_body_that_cannot_be_decoded_is_told() -> None:
    """It is not of the documented form."""
    readings, _ = parse_registrar_answers("godaddy", 200, {}, b"<html>", [A])

    assert (readings[A].outcome, readings[A].finding) == (Outcome.UNKNOWN, "registrar_unparsed")
    assert "not of the documented form" in readings[A].reason


def test_the_rate_limit_of_the_body_wins_over_that_of_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the body states none, the headers count, also of an error."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}

    assert play(monkeypatch, Parsed({}, quota=Quota(rate=2.0)), headers)[1] == Quota(rate=2.0)
    assert play(monkeypatch, Parsed(), headers)[1] == Quota(wait=9.0)
    assert parse_registrar_answers("godaddy", 429, headers, b"", [A])[1] == Quota(wait=9.0)


@pytest.mark.parametrize("name", ["name.com", "Name-Com", "NAMECOM", " name_com ", "name"])
def test_a_vendor_has_several_spellings(name: str) -> None:
    """As recordings call it."""
    body = json.dumps({"results": [{"domainName": A, "purchasable": True, "purchaseType": "registration"}]})

    assert parse_registrar_answer(name, 200, {}, body, "A.com.").finding == "registrar_available_live"


def test_a_recorded_answer_is_read_with_its_headers() -> None:
    """Whatever the case of their names; no date is read, for nothing tells when it was recorded."""
    reading = parse_registrar_answer("porkbun", 429, {"Retry-After": "10"}, "", A)

    assert (reading.outcome, reading.retry_after) == (Outcome.THROTTLED, 10.0)
    assert parse_registrar_answer("godaddy", 200, {}, "\ud800", A).finding == "registrar_unparsed"


def test_an_unknown_vendor_proves_nothing() -> None:
    """A new name in a recording is no reason to fail."""
    reading = parse_registrar_answer("acme" * 100, 200, {}, "{}", A)

    assert (reading.outcome, reading.finding) == (Outcome.UNKNOWN, "registrar_unknown_vendor")
    assert reading.reason == f"no such registrar: {('acme' * 15)!r}"
