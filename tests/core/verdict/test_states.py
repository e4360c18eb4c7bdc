"""Which state the evidence names, one row for each rule, and the verdict on recorded answers without history."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence, newest_evidence
from common.core.model.states import ANNOUNCED, OWNED, State
from common.core.model.verdict import Basis, Situation
from common.core.verdict.verdicts import decide_offline, decide_verdict
from tests.core.verdict.answers import NOW, answer, denial, hint, holder, said

DAY = 86_400.0
TICK = 0.001
HELD, FREE, OPEN = State.PENDING_DELETE, State.AVAILABLE, State.UNKNOWN
NEW_AGAIN = "delegated again since the registry's last record"
DOUBTFUL = "not found at the registry, but P(unregistered) is 0.002, below 0.995"
LESS_DOUBTFUL = "not found at the registry, but P(unregistered) is 0.045, below 0.995"
REFUSED = {"refused_by": ("registrar:one",)}
UNSURE = "not found at the registry, but P(unregistered) is 0.500, below 0.995"
STILL_OPEN = "not found at the registry; still open: x; y"
RESERVATION = "not registered; a reservation or a premium price is not excluded"
YOUNGER = "the registry's denial is younger than the last registered answer"


def record(phase: Phase | None, age: float = 0.0, first: float = 0.0) -> Evidence:
    """A record of the registry in this phase, first seen `first` seconds before."""
    item = holder("rdap", age)
    observation = replace(item.observation, reading=replace(item.observation.reading, phase=phase))
    return Evidence(observation, item.at, item.at - first)


def verdict(*items: Evidence, before: State = HELD, **changes: Any) -> tuple[State, str]:
    """What is said of a name whose odds are even, or as given, and why."""
    situation = Situation(**{"prior": 0.0, "p_registrable": 0.96, **changes})
    decided = decide_verdict(said(*items), situation, before, NOW)
    return decided.state, decided.reason


def test_every_state_has_its_name() -> None:
    """They are published; what was announced has to be taken back, and what is owned has an owner."""
    assert [state.value for state in State] == [
        "INVALID", "NOT_REGISTRABLE", "REGISTERED", "UNDELEGATED", "EXPIRED_GRACE", "REDEMPTION", "PENDING_DELETE", "DROPPING",
        "UNREGISTERED", "AVAILABLE", "AVAILABLE_PREMIUM", "RESERVED", "UNKNOWN",
    ]  # fmt: skip
    assert sorted(ANNOUNCED) == ["AVAILABLE", "AVAILABLE_PREMIUM", "UNREGISTERED"]
    assert sorted(OWNED) == ["EXPIRED_GRACE", "PENDING_DELETE", "REDEMPTION", "REGISTERED", "UNDELEGATED"]


@pytest.mark.parametrize(
    ("items", "before", "changes", "told"),
    [
        ((), HELD, {}, (HELD, "no new proof")),
        ((), OPEN, {}, (OPEN, "nothing observed so far proves a state")),
        ((denial("dns"),), HELD, {"prior": 9.0}, (HELD, "no new proof")),
        ((hint(),), OPEN, {"prior": 9.0}, (OPEN, "nothing observed so far proves a state")),
    ],
)
def test_without_a_word_of_the_registry_the_state_stays(
    items: tuple[Evidence, ...], before: State, changes: dict[str, Any], told: tuple[State, str]
) -> None:
    """Neither the zone nor what a registrar has in its cache proves that an object is gone."""
    assert verdict(*items, before=before, **changes) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prior": -6.0}, (HELD, UNSURE)),
        ({"prior": -6.0, "gates": ("x", "y")}, (HELD, STILL_OPEN)),
        ({"prior": 9.0, "gates": ("x", "y")}, (HELD, STILL_OPEN)),
        (
            {"prior": 9.0, "release": "dropzone"},
            (State.DROPPING, "no longer registered, in the registry's release procedure (dropzone)"),
        ),
        ({"prior": 9.0, "p_registrable": 0.949}, (State.UNREGISTERED, RESERVATION)),
        (
            {"prior": 9.0, "p_registrable": 0.95},
            (FREE, "not registered, confirmed in separate passes by independent sources"),
        ),
        (
            {"prior": 9.0, "basis": Basis.REPETITION, "verified": (1.0, 2.0, 3.0)},
            (FREE, "not registered, confirmed in 3 verified passes of one source alone"),
        ),
    ],
)
def test_a_name_the_registry_denies_is_told_by_gates_odds_calendar_and_price(
    changes: dict[str, Any], told: tuple[State, str]
) -> None:
    """In this order."""
    assert verdict(denial("rdap"), **changes) == told


@pytest.mark.parametrize(
    ("items", "before", "changes", "told"),
    [
        # A registered answer that is as young as the last denial, or the only one.
        ((holder("dns"),), HELD, {}, (State.REGISTERED, "dns_auth_referral it says")),
        (
            (holder("dns", 10.0), denial("rdap", 10.0 + TICK)),
            HELD,
            {"prior": 99.0},
            (State.REGISTERED, "dns_auth_referral it says"),
        ),
        ((holder("dns", 10.0), denial("dns", 5.0)), HELD, {}, (HELD, "no new proof")),
        # An older one: the odds decide, and its age.
        ((holder("dns", 10.0), denial("rdap", 5.0)), HELD, {"prior": 99.0, "gates": ("x", "y")}, (HELD, STILL_OPEN)),
        ((holder("dns", 10.0), denial("rdap", 5.0)), HELD, {"prior": -9.0}, (State.REGISTERED, "dns_auth_referral it says")),
        ((holder("dns", 905.0), denial("rdap", 5.0)), HELD, {"prior": -9.0}, (State.REGISTERED, "dns_auth_referral it says")),
        ((holder("dns", 905.0 + TICK), denial("rdap", 5.0)), HELD, {"prior": -9.0}, (HELD, YOUNGER)),
        ((holder("dns", 906.0), denial("rdap", 5.0)), OPEN, {"prior": -9.0}, (State.REGISTERED, "dns_auth_referral it says")),
        ((holder("dns", 906.0), denial("rdap", 5.0)), FREE, {"prior": -9.0}, (State.REGISTERED, "dns_auth_referral it says")),
        (
            (holder("dns", 906.0), denial("rdap", 5.0)),
            State.UNREGISTERED,
            {"prior": -9.0},
            (State.REGISTERED, "dns_auth_referral it says"),
        ),
        ((holder("dns", 10.0), denial("rdap", 5.0)), FREE, {"prior": -9.0, "passes": (NOW - 5.0,)}, (FREE, YOUNGER)),
        (
            (holder("dns", 10.0), denial("rdap", 5.0)),
            OPEN,
            {"prior": -9.0, "passes": (NOW - 5.0,)},
            (State.REGISTERED, "dns_auth_referral it says"),
        ),
        ((holder("dns", 5.0), denial("rdap", 5.0)), HELD, {"prior": -9.0}, (State.REGISTERED, "dns_auth_referral it says")),
        # One of the same moment is no younger.
        ((holder("dns", 5.0), denial("rdap", 5.0)), HELD, {"prior": 99.0, "gates": ("x", "y")}, (HELD, STILL_OPEN)),
        ((holder("dns", 5.0), denial("rdap", 5.0)), FREE, {"prior": -9.0, "passes": (NOW - 5.0,)}, (FREE, YOUNGER)),
        # In a zone that answers for every name, its word and the web's count for nothing, and the registry's do.
        ((holder("dns"),), HELD, {"wildcard": True}, (HELD, "no new proof")),
        ((holder("http"),), HELD, {"wildcard": True}, (HELD, "no new proof")),
        ((holder("http"),), HELD, {}, (State.REGISTERED, "http_answer it says")),
        ((holder("whois"),), HELD, {"wildcard": True}, (State.REGISTERED, "whois_registered it says")),
        ((holder("das"),), HELD, {"wildcard": True}, (State.REGISTERED, "das_not_available it says")),
        ((holder("epp"),), HELD, {"wildcard": True}, (State.REGISTERED, "epp_in_use it says")),
        # What a registrar says of a holder may come from a cache.
        ((holder("registrar:one"),), HELD, {}, (HELD, "no new proof")),
        ((holder("registrar:one"), holder("http", 1.0)), HELD, {"wildcard": True}, (HELD, "no new proof")),
        ((holder("registrar:one"), denial("rdap", 5.0)), HELD, {"prior": 99.0, "gates": ("x", "y")}, (HELD, STILL_OPEN)),
        (
            (holder("registrar:one"), denial("rdap", 5.0)),
            HELD,
            {"prior": -9.0, "refused_by": ("registrar:one",)},
            (HELD, DOUBTFUL),
        ),
        ((holder("whois", 9.0), holder("dns", 1.0)), HELD, {"wildcard": True}, (State.REGISTERED, "whois_registered it says")),
        (
            (answer("das", Outcome.RESERVED, "das_reserved", 9.0), holder("dns")),
            HELD,
            {"wildcard": True},
            (State.RESERVED, "das_reserved it says"),
        ),
    ],
)
def test_a_registered_answer_wins_where_it_is_news(
    items: tuple[Evidence, ...], before: State, changes: dict[str, Any], told: tuple[State, str]
) -> None:
    """At once where it is the youngest, else where the odds say so and it is not from long before the denial."""
    assert verdict(*items, before=before, **changes) == told


@pytest.mark.parametrize(("prior", "told"), [(0.0, (HELD, UNSURE)), (-TICK, (State.REGISTERED, "unlisted it says"))])
def test_even_odds_are_no_reason_to_believe_an_older_registered_answer(prior: float, told: tuple[State, str]) -> None:
    """Only odds against the denial are."""
    items = answer("dns", Outcome.REGISTERED, "unlisted", 10.0), denial("rdap", 5.0, "unlisted")

    assert verdict(*items, prior=prior) == told


SOLD = answer("registrar:one", Outcome.REGISTERED, "registrar_unavailable", 8.0)


@pytest.mark.parametrize(
    ("items", "changes", "state"),
    [
        ((record(None),), {}, State.REGISTERED),
        ((record(Phase.ACTIVE),), {"expired": True}, State.EXPIRED_GRACE),
        ((record(None),), {"expired": True}, State.EXPIRED_GRACE),
        ((holder("das"),), {"expired": True}, State.REGISTERED),  # it shows no record
        ((record(Phase.REDEMPTION),), {"expired": True}, State.REDEMPTION),
        ((record(Phase.DROPPING),), {}, State.DROPPING),
        # In the zone again, since the record that says it is out of it.
        ((record(Phase.REDEMPTION, 10.0), holder("dns", 9.0)), {}, State.REGISTERED),
        ((record(Phase.REDEMPTION, 10.0), holder("dns", 10.0)), {}, State.REDEMPTION),
        ((record(Phase.REDEMPTION, 10.0), denial("dns", 9.0)), {}, State.REDEMPTION),
        ((record(Phase.REDEMPTION, 10.0), holder("dns", 9.0), SOLD), {}, State.REGISTERED),
        ((record(Phase.REDEMPTION, 10.0), holder("dns", 9.0), SOLD), {"wildcard": True}, State.REDEMPTION),
        ((record(Phase.EXPIRED_GRACE, 10.0), holder("dns", 9.0)), {}, State.EXPIRED_GRACE),
        # Not in the zone, though the record is not new.
        ((record(Phase.ACTIVE, 0.0, 600.0), denial("dns")), {}, State.UNDELEGATED),
        ((record(Phase.ACTIVE, 0.0, 600.0 - TICK), denial("dns")), {}, State.REGISTERED),
        ((record(Phase.ACTIVE, 0.0, 600.0), denial("dns", 900.0)), {}, State.UNDELEGATED),
        ((record(Phase.ACTIVE, 0.0, 600.0), denial("dns", 900.0 + TICK)), {}, State.REGISTERED),
        ((record(Phase.ACTIVE, 0.0, 600.0), holder("dns", 1.0)), {}, State.REGISTERED),
        ((record(Phase.ACTIVE, 0.0, 600.0),), {}, State.REGISTERED),
        ((record(Phase.ACTIVE, 0.0, 600.0), denial("dns")), {"wildcard": True}, State.REGISTERED),
        ((record(Phase.EXPIRED_GRACE, 0.0, 600.0), denial("dns")), {}, State.EXPIRED_GRACE),
        ((record(Phase.ACTIVE, 0.0, 600.0), denial("dns")), {"expired": True}, State.EXPIRED_GRACE),
    ],
)
def test_the_record_of_an_owned_name_and_its_zone_name_the_state(
    items: tuple[Evidence, ...], changes: dict[str, Any], state: State
) -> None:
    """The record first; the zone where it is younger, or shows that a settled name is missing."""
    assert verdict(*items, **changes)[0] is state


def test_why_an_owned_name_is_in_its_state_is_told() -> None:
    """In one sentence."""
    assert verdict(record(Phase.REDEMPTION, 10.0), holder("dns", 9.0))[1] == NEW_AGAIN
    expired = "the registry's expiry date has passed and the name is still registered"
    assert verdict(record(Phase.ACTIVE), expired=True)[1] == expired
    assert verdict(record(Phase.ACTIVE, 0.0, 600.0), denial("dns"))[1] == "registered, but not in the zone"
    assert verdict(record(Phase.ACTIVE))[1] == "rdap_200_match it says"


WORDS = {
    State.RESERVED: (Outcome.RESERVED, 7 * DAY),
    State.DROPPING: (Outcome.DROPPING, 2 * DAY),
    State.NOT_REGISTRABLE: (Outcome.INVALID, 7 * DAY),
    State.AVAILABLE_PREMIUM: (Outcome.PREMIUM, 7 * DAY),
}


@pytest.mark.parametrize("state", WORDS)
def test_a_word_that_keeps_a_name_from_being_free_holds_for_its_time(state: State) -> None:
    """To the tick where the registry denies the name since, and for ever where it does not; an owner ends it."""
    outcome, holds = WORDS[state]

    def says(age: float, *others: Evidence) -> State:
        return verdict(answer("whois", outcome, "whois_reserved", age), *others, prior=99.0)[0]

    assert says(holds, denial("rdap")) is state
    assert says(holds + TICK, denial("rdap")) is FREE
    assert says(holds + TICK) is state
    assert says(holds + TICK, denial("rdap", holds + TICK)) is state
    assert says(10.0, holder("dns", 10.0 + TICK), denial("rdap", 9.0)) is state
    assert says(10.0, holder("dns", 10.0), denial("rdap", 9.0)) is FREE
    assert says(10.0, holder("dns", 9.0)) is State.REGISTERED


def test_of_several_words_the_first_in_order_that_still_holds_is_told() -> None:
    """Reserved, dropping, not registrable, premium."""
    words = [
        answer(method, outcome, "whois_reserved", age)
        for method, outcome, age in (
            ("whois", Outcome.PREMIUM, 1.0),
            ("das", Outcome.INVALID, 2.0),
            ("rdap", Outcome.DROPPING, 3.0),
        )
    ]

    assert verdict(*words)[0] is State.DROPPING
    assert verdict(*words[:2])[0] is State.NOT_REGISTRABLE
    assert verdict(*words[:1])[0] is State.AVAILABLE_PREMIUM


def test_the_newest_answer_is_found_by_outcome_and_method() -> None:
    """None where there is none of these."""
    items = said(denial("rdap", 3.0), denial("whois", 2.0), holder("dns", 1.0))

    assert newest_evidence(items, Outcome.UNREGISTERED) is items["whois"]
    assert newest_evidence(items, Outcome.UNREGISTERED, Outcome.REGISTERED) is items["dns"]
    assert newest_evidence(items, Outcome.UNREGISTERED, methods=("rdap", "dns")) is items["rdap"]
    assert newest_evidence(items, Outcome.RESERVED) is None


def reading(outcome: Outcome, finding: str, phase: Phase | None = None) -> Reading:
    """What a recorded answer says."""
    return Reading(outcome, finding, "so it says", phase)


RDAP = ("rdap", "rdap.example", reading(Outcome.UNREGISTERED, "rdap_404_json"))
DNS = ("dns", "com", reading(Outcome.UNREGISTERED, "dns_auth_nxdomain"))
SILENT = ("whois", "whois.example", reading(Outcome.UNKNOWN, "whois_timeout"))
BUSY = ("whois", "whois.example", reading(Outcome.THROTTLED, "whois_throttled"))


@pytest.mark.parametrize(
    ("suffix", "readings", "state", "methods"),
    [
        ("com", [RDAP, DNS], "AVAILABLE", ["dns", "rdap"]),
        ("com", [DNS, RDAP, SILENT], "AVAILABLE", ["dns", "rdap"]),
        ("com", [RDAP], "UNREGISTERED", ["rdap"]),
        ("com", [RDAP, SILENT], "UNREGISTERED", ["rdap"]),
        ("com", [RDAP, BUSY], "UNREGISTERED", ["rdap"]),
        ("com", [BUSY, SILENT], "UNKNOWN", []),
        ("com", [DNS], "UNKNOWN", ["dns"]),
        ("ws", [("dns", "ws", reading(Outcome.REGISTERED, "dns_auth_referral"))], "UNKNOWN", ["dns"]),
        (
            "com",
            [DNS, ("rdap", "r", reading(Outcome.REGISTERED, "rdap_200_match", Phase.REDEMPTION))],
            "REDEMPTION",
            ["dns", "rdap"],
        ),
    ],
)
def test_recorded_answers_of_one_moment_are_judged_without_history(
    suffix: str, readings: list[tuple[str, str, Reading]], state: str, methods: list[str]
) -> None:
    """One source alone frees no name, and what proves nothing is not among the methods."""
    told = decide_offline(f"example.{suffix}", suffix, readings)

    assert (told["state"], told["methods"]) == (state, methods)


def test_recorded_answers_are_told_with_their_numbers() -> None:
    """By the label's own chance to be registrable, and the phase that any of them shows."""
    told = decide_offline("example.com", "com", [RDAP, DNS])
    short = decide_offline("a.com", "com", [RDAP, DNS])
    gone = decide_offline(
        "example.com", "com", [RDAP, ("whois", "w", reading(Outcome.REGISTERED, "whois_registered", Phase.REDEMPTION)), DNS]
    )

    assert told == {
        "state": "AVAILABLE",
        "confidence": 0.9948,
        "p_unregistered": 0.999797,
        "rho": 0.995,
        "reason": "not registered, confirmed in separate passes by independent sources",
        "methods": ["dns", "rdap"],
    }
    assert (short["state"], short["rho"]) == ("UNREGISTERED", 0.0)
    assert gone["p_unregistered"] == 0.000123


@pytest.mark.parametrize("method", ["das", "epp"])
def test_a_bare_taken_that_is_repeated_after_the_denial_may_lag_for_a_quarter_of_an_hour(method: str) -> None:
    """One that is new since the denial, or that lasts, shows a registration; so does one with a record or a delegation."""
    repeated, lasting, new = holder(method), holder(method), holder(method)
    repeated.first_at, lasting.first_at = NOW - 999.0, NOW - 9_999.0
    lag = (HELD, "one channel still says registered, and may lag behind the others")
    registered = (State.REGISTERED, repeated.observation.reading.reason)

    assert verdict(repeated, denial("rdap", 900.0), before=HELD) == lag
    assert verdict(lasting, denial("rdap", 900.0 + TICK), before=HELD) == registered
    assert verdict(new, denial("rdap", 5.0), before=HELD) == registered
    assert verdict(repeated, denial("rdap", 5.0), before=State.UNKNOWN) == registered
    for other in ("dns", "whois"):
        shown = holder(other)
        shown.first_at = NOW - 999.0
        assert verdict(shown, denial("rdap", 5.0), before=HELD)[0] is State.REGISTERED


def test_the_denial_of_a_channel_that_hides_the_name_takes_no_record_from_it() -> None:
    """EPP says "in use" after it; the record from before shows the phase."""
    shown = Reading(Outcome.REGISTERED, "rdap_200_match", "pending delete", Phase.PENDING_DELETE)
    record = Evidence(Observation("rdap", shown), NOW - 9.0, NOW - 9.0)
    items = record, denial("whois", 5.0), holder("epp")

    assert verdict(*items, before=State.PENDING_DELETE, blind=("whois",))[0] is State.PENDING_DELETE
    assert verdict(*items, before=State.PENDING_DELETE)[0] is State.REGISTERED


def test_a_bare_taken_does_not_hide_a_record_from_after_the_denial() -> None:
    """Nor does it lag where it began in the moment of the denial."""
    repeated = holder("das")
    repeated.first_at = NOW - 999.0
    assert verdict(holder("rdap", 2.0), denial("whois", 5.0), repeated, before=HELD)[0] is State.REGISTERED
    repeated.first_at = NOW - 5.0
    assert verdict(denial("whois", 5.0), repeated, before=HELD)[0] is State.REGISTERED


@pytest.mark.parametrize("phase", [Phase.ACTIVE, Phase.UNDELEGATED])
def test_a_delegation_is_no_record_of_the_registry(phase: Phase) -> None:
    """The zone shows a name in its grace period as any other; what the registry said of its phase stands."""
    record = Reading(Outcome.REGISTERED, "rdap_200_match", "auto renew period", Phase.EXPIRED_GRACE)
    zone = Reading(Outcome.REGISTERED, "dns_auth_referral", "the servers delegate it", phase)
    items = (
        Evidence(Observation(method, reading), at, at)
        for method, reading, at in (("rdap", record, NOW - 9.0), ("dns", zone, NOW))
    )

    assert verdict(*items, before=State.EXPIRED_GRACE) == (State.EXPIRED_GRACE, "auto renew period")
