"""What is a complaint, of a single query and of a sweep."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from common.core.model.evidence import Observation, Outcome, Quota, Reading, unknown_reading
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.policy import (
    KEY_REFUSED,
    MEANINGLESS,
    NAMES,
    PATIENCE,
    PAUSES,
    REFUSED_SHARE,
    SEVERAL,
    Complaint,
    Kind,
    complaint_of,
    is_limiting,
    is_understood,
    possible_complaint_of,
    quota_of,
    sweep_answer,
)
from common.messages import VERSION, Credit, SweepResult
from tests.core.rate_limits.answers import BANNED, CLEAN, LATE, LIMIT, NOW, ODD, REFUSED, hear, throttled

CREDIT = Credit(VERSION, "w", "b", "fast", "a", ("dns",), 1, 1, 0)
DNS_REFUSED = Observation("dns", unknown_reading("dns_refused", "REFUSED"), status=5, refused=True)
DNS_SLOW = Observation("dns", Reading(Outcome.THROTTLED, "dns_slow", "slow"))
NODATA = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_nodata", "no name servers"))
SERVFAIL = Observation("dns", unknown_reading("dns_servfail", "failed"), status=2)


def swept(codes: bytes, *stories: Observation, refused: int = 0, trouble: Observation | None = None) -> SweepResult:
    """An answer to a sweep."""
    return SweepResult(CREDIT, "a.1", codes, observations=dict(enumerate(stories)), refused=refused, trouble=trouble)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (throttled(), Kind.THROTTLED),
        (BANNED, Kind.BANNED),
        (replace(BANNED, status=401), Kind.BANNED),
        (REFUSED, Kind.REFUSED),
        (DNS_REFUSED, Kind.REFUSED),
        (replace(REFUSED, status=403, method="dns"), Kind.REFUSED),  # of DNS it is an rcode
    ],
)
def test_three_kinds_of_answers_are_a_complaint(answer: Observation, kind: Kind) -> None:
    """With the server's words, its wait, and the kind in front."""
    complaint = complaint_of(answer)

    assert complaint == Complaint(kind, f"{kind}: {answer.reading.reason}", answer.reading.retry_after)


@pytest.mark.parametrize("finding", sorted(KEY_REFUSED))
@pytest.mark.parametrize("status", [200, None, 403])
def test_a_refused_key_is_a_ban_whatever_the_status(finding: str, status: int | None) -> None:
    """Registrars say it inside an answer with HTTP 200, and EPP has no such status."""
    answer = Observation("registrar:any", unknown_reading(finding, "no such key", retry_after=5.0), status=status)

    assert complaint_of(answer) == Complaint(Kind.BANNED, "forbidden: no such key", 5.0)
    assert possible_complaint_of(answer) is None


def test_the_findings_of_refused_keys() -> None:
    """Of every channel that needs an account or a listed address."""
    assert {"das_refused", "registrar_refused", "epp_refused"} == KEY_REFUSED


def test_a_server_of_every_channel_but_dns_may_state_its_limit() -> None:
    """An rcode and a name say nothing about a rate."""
    quota = Quota(rate=2.0)
    assert quota_of(replace(CLEAN, quota=quota)) == quota
    assert quota_of(replace(CLEAN, quota=quota, method="dns")) is None
    assert quota_of(CLEAN) is None


@pytest.mark.parametrize("answer", [CLEAN, ODD, LATE, SERVFAIL, replace(LATE, status=500), NODATA])
def test_other_answers_are_none(answer: Observation) -> None:
    """Not even a broken server's."""
    assert complaint_of(answer) is None


@pytest.mark.parametrize(
    ("text", "ban"),
    [
        ("Your IP address has been blocked", True),
        ("You have been banned.", True),
        ("BLACKLISTED: 192.0.2.1", True),
        ("% address is black-listed", True),
        ("on the deny list", True),
        ("Queries above the limit will be blocked", False),
        ("repeated abuse will be temporarily blocked", False),
        ("excessive users get banned", False),
        ("to avoid being blacklisted, slow down", False),
        ("WHOIS LIMIT EXCEEDED", False),
        ("unblocked", False),
    ],
)
def test_a_throttle_text_is_a_ban_where_it_says_that_one_is_there(text: str, ban: bool) -> None:
    """What only threatens with one is a throttle text."""
    kind = Kind.BANNED if ban else Kind.THROTTLED

    assert complaint_of(throttled(excerpt=text)) == Complaint(kind, f"{kind}: slow down", None)
    reason = replace(throttled(), reading=Reading(Outcome.THROTTLED, "das_throttled", text))
    assert (found := complaint_of(reason)) is not None
    assert found.kind is kind


def test_a_complaint_is_told_in_300_characters() -> None:
    """It is shown and stored."""
    answer = replace(throttled(), reading=Reading(Outcome.THROTTLED, "rdap_429", "x" * 300))

    assert len(getattr(complaint_of(answer), "reason", "")) == 300


def test_pauses_grow_with_complaints_in_a_row_and_end_growing() -> None:
    """Each kind has its own, in seconds."""
    throttled_for = (60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0)
    assert list(PAUSES.values()) == [
        throttled_for,
        (900.0, 3600.0, 21_600.0),
        (*throttled_for[:5], 1800.0),
        (*throttled_for[:4], 900.0),
        (10.0, 20.0, 30.0),
    ]
    assert list(PAUSES) == list(Kind)
    for kind, pauses in PAUSES.items():
        found = [Complaint(kind, "", None).pause_seconds(before) for before in range(len(pauses) + 3)]
        assert found == [*pauses, *pauses[-1:] * 3]
        assert found == sorted(found)


@pytest.mark.parametrize(("wait", "pause"), [(7.0, 7.0), (0.2, 1.0), (0.0, 1.0), (7200.0, 7200.0)])
def test_a_pause_that_an_answer_names_is_kept(wait: float, pause: float) -> None:
    """However many complaints came before, and a second at least."""
    assert Complaint(Kind.THROTTLED, "", wait).pause_seconds(5) == pause


def test_an_answer_that_is_not_understood_may_be_a_complaint() -> None:
    """Whatever the finding; what never came, or is about the name, is none."""
    assert (SEVERAL, NAMES) == (8, 2)  # so many in a row, about so many names, are a limit
    for finding in MEANINGLESS:
        answer = Observation("rdap", unknown_reading(finding, "odd", retry_after=9.0))
        assert possible_complaint_of(answer) == Complaint(Kind.MEANINGLESS, "not understood: odd", 9.0)
    for answer in (CLEAN, LATE, SERVFAIL, throttled(), Observation("rdap", Reading(Outcome.REGISTERED, "rdap_html", ""))):
        assert possible_complaint_of(answer) is None
    assert not any(finding.endswith(("timeout", "error", "5xx")) or finding.startswith("dns") for finding in MEANINGLESS)


def test_an_answer_about_the_name_or_a_referral_is_understood() -> None:
    """IANA says nothing about names, and serves us all the same."""
    referral = Observation("whois", Reading(Outcome.UNKNOWN, "whois_referral", "", referral="whois.example"))

    assert is_understood(CLEAN)
    assert is_understood(referral)
    assert not is_understood(LATE)


@pytest.mark.parametrize("code", [DELEGATED, NXDOMAIN])
def test_a_sweep_is_understood_where_any_name_was_answered(code: int) -> None:
    """Plainly, or by a story."""
    for answer in (swept(bytes([OPEN] * 9 + [code])), swept(bytes([OPEN] * 9 + [UNUSUAL]), NODATA)):
        assert (found := sweep_answer(answer, 10)) is not None
        assert is_understood(found)
        assert complaint_of(found) is None


@pytest.mark.parametrize(
    "answer",
    [
        swept(bytes([OPEN] * 10)),
        swept(bytes([OPEN] * 9 + [UNUSUAL]), SERVFAIL),
        swept(bytes([OPEN] * 9 + [UNUSUAL]), replace(NODATA, method="http")),
        swept(b"", trouble=replace(DNS_REFUSED, method="http")),
    ],
)
def test_a_sweep_without_an_answer_says_nothing(answer: SweepResult) -> None:
    """Silence and errors teach nothing, and no story of another method."""
    assert sweep_answer(answer, 10) is None


def test_a_sweep_in_trouble_is_judged_by_that() -> None:
    """As a single query would be."""
    assert sweep_answer(swept(b"", trouble=SERVFAIL), 10) is SERVFAIL
    assert sweep_answer(swept(b"", trouble=DNS_REFUSED), 10) is DNS_REFUSED


@pytest.mark.parametrize(("refused", "limited"), [(5, False), (6, True)])
def test_a_twentieth_of_refusals_is_let_pass(refused: int, limited: bool) -> None:
    """Counted by the worker, or among the stories; names that were not asked do not make it less."""
    assert REFUSED_SHARE == 0.05
    counted = swept(bytes([DELEGATED] * 100 + [UNASKED] * 900), refused=refused)
    told = swept(bytes([UNUSUAL] * refused + [DELEGATED] * (100 - refused)), *[DNS_SLOW, *[DNS_REFUSED] * (refused - 1)])
    for answer, size in ((counted, 1000), (told, 100)):
        assert (found := sweep_answer(answer, size)) is not None
        assert (complaint_of(found) is not None) is limited


def test_a_sweep_complains_in_the_words_of_the_first_refusal() -> None:
    """Without a story the count speaks, and it is no story of another method."""
    stories = NODATA, replace(REFUSED, method="http"), DNS_SLOW, DNS_REFUSED
    told = sweep_answer(swept(bytes([UNUSUAL] * 4), *stories, refused=2), 4)
    counted = sweep_answer(swept(bytes([OPEN] * 3), refused=2), 3)

    assert told is DNS_SLOW
    assert counted == Observation("dns", unknown_reading("dns_refused", "2 of 3 questions refused"), refused=True)


def test_an_operator_limits_us_where_no_egress_may_ask_soon() -> None:
    """One that may is enough, a short pause is waited for, and without any egress nothing is known."""
    budgets = Budgets()
    hear(budgets, throttled(wait=PATIENCE + 1), NOW)

    assert is_limiting(LIMIT, ["a"], budgets, NOW)
    assert not is_limiting(LIMIT, ["a"], budgets, NOW + 1)
    assert not is_limiting(LIMIT, ["a", "b"], budgets, NOW)
    assert not is_limiting(LIMIT, [], budgets, NOW)


def test_a_wait_that_is_named_is_a_complaint_whatever_the_status() -> None:
    """A broken server that says when to come back limits us; a name server cannot say so."""
    later = Observation("rdap", unknown_reading("rdap_5xx", "the server is broken", retry_after=30.0), status=500)

    assert complaint_of(later) == Complaint(Kind.THROTTLED, "throttled: the server is broken", 30.0)
    assert complaint_of(replace(later, reading=replace(later.reading, retry_after=None))) is None


def test_status_422_is_a_rate_limit_once_several_names_in_a_row_get_it() -> None:
    """A registry is known to limit clients by it; of a registrar it means the names."""
    odd = Observation("rdap", unknown_reading("rdap_400_odd", "HTTP 422 without an RDAP error"), status=422)
    budgets = Budgets()
    for number in range(SEVERAL):
        assert budgets.learned_rate(LIMIT, "a", NOW) == 1.0
        reason = budgets.note_answer(LIMIT, "a", odd, NOW, NOW, f"n{number}.example")

    assert reason == "throttled: HTTP 422 without an RDAP error"
    assert budgets.learned_rate(LIMIT, "a", NOW) == 0.5
    assert complaint_of(odd) is None
    for other in (replace(odd, status=400), replace(odd, method="das")):
        assert possible_complaint_of(other) == Complaint(
            Kind.MEANINGLESS, "not understood: HTTP 422 without an RDAP error", None
        )
