"""Which sweeps show that name servers have enough of us: more loss or delay than is usual there."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.parsers.dns_fast import DELEGATED
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.load_signs import IN_A_ROW, LEAST_ASKED, Load, Usual
from common.core.rate_limits.policy import load_of_sweep
from common.messages import VERSION, Credit, SweepResult
from tests.core.rate_limits.answers import NOW, bucket_of

ZONE = Limit("dns/zone", 52.0, 130, None, 26, ceiling=1300.0)
ANSWERED = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "a sweep was answered"))
CREDIT = Credit(version=VERSION, worker="w", boot="b", pool="fast", egress="a", methods=("dns",), slots=1, free=1, seen=0)


def usual(loss: float = 0.02, delay: float = 40.0) -> Usual:
    """What is usual somewhere."""
    return Usual(loss, delay)


@pytest.mark.parametrize(
    ("load", "sign"),
    [
        (Load(100, 7, 0, 40.0), ""),
        (Load(100, 7), ""),
        (Load(100, 8), "8% of the answers are lost or cut short, 2% is usual"),
        (Load(100, 8, 0, 40.0), "8% of the answers are lost or cut short, 2% is usual"),
        (Load(100, 3, 5, 40.0), "8% of the answers are lost or cut short, 2% is usual"),
        (Load(100, 0, 8, None), "8% of the answers are lost or cut short, 2% is usual"),
        (Load(100, 2, 0, 90.0), ""),
        (Load(100, 2, 0, 91.0), "answers take 91 ms, 40 ms is usual"),
        (Load(LEAST_ASKED - 1, 49, 0, 900.0), ""),
        (Load(LEAST_ASKED, 49, 90, 40.0), "100% of the answers are lost or cut short, 2% is usual"),
    ],
)
def test_a_share_or_delay_well_above_the_usual_is_a_sign_once_two_sweeps_show_it(load: Load, sign: str) -> None:
    """One alone may have met a moment of trouble: it is neither a sign nor a clean answer."""
    known = usual()
    assert known.note_load(load) == (not sign, "")
    assert known.note_load(load) == (not sign, sign)
    assert IN_A_ROW == 2


def test_where_much_is_lost_twice_as_much_is_a_sign() -> None:
    """And where answers take long, twice as long."""
    assert usual(loss=0.2)._find_sign(0.39, None) == ""
    assert usual(loss=0.2)._find_sign(0.41, None) != ""
    assert usual(delay=200.0)._find_sign(0.0, 399.0) == ""
    assert usual(delay=200.0)._find_sign(0.0, 401.0) != ""


def test_a_clean_sweep_between_two_others_ends_the_run() -> None:
    """Signs count in a row."""
    known, bad, good = usual(), Load(100, 50, 0, 40.0), Load(100, 2, 0, 40.0)

    assert [known.note_load(load)[1] for load in (bad, good, bad)] == ["", "", ""]


def test_what_stays_after_a_sign_is_usual_from_then_on() -> None:
    """It does not come from the pace, which was halved: one sign, one halving."""
    known, bad = usual(), Load(100, 50, 0, 300.0)
    found = [known.note_load(bad)[1] for _ in range(20)]

    assert [bool(sign) for sign in found] == [False, True, *[False] * 18]
    assert (known.loss, known.delay) == (0.5, 300.0)


def test_after_a_sign_two_more_sweeps_have_to_show_the_next_one() -> None:
    """The run begins anew."""
    known = usual()
    found = [known.note_load(Load(100, lost, 0, 40.0))[1] for lost in (30, 30, 90, 90)]

    assert [bool(sign) for sign in found] == [False, True, False, True]


def test_what_is_usual_follows_slowly_upward_and_quickly_downward() -> None:
    """The first sweep says what is usual; one without times leaves the delay."""
    known = Usual()
    known.note_load(Load(100, 10, 0, 80.0))
    assert (known.loss, known.delay) == (0.1, 80.0)
    known.note_load(Load(100, 14, 0, None))
    assert (known.loss, known.delay) == (pytest.approx(0.105), 80.0)
    known.note_load(Load(100, 0, 0, 40.0))
    assert (known.loss, known.delay) == (pytest.approx(0.0525), 60.0)
    known.note_load(Load(1000, 200, 0, 60.0))
    known.note_load(Load(1000, 200, 0, None))
    assert (known.loss, known.delay) == (0.2, 60.0)


def note(budgets: Budgets, load: Load | None, now: float, sent: float | None = None) -> str | None:
    """A sweep of the zone is answered."""
    return budgets.note_answer(ZONE, "a", ANSWERED, now, sent, load=load)


def test_a_sign_halves_the_pace_once_after_a_short_pause() -> None:
    """Sweeps that were under way teach nothing."""
    budgets, fine, bad = Budgets(), Load(100, 1, 0, 40.0), Load(100, 30, 0, 40.0)
    note(budgets, fine, NOW)
    bucket_of(budgets, ZONE).rate = 400.0
    assert note(budgets, bad, NOW + 1) is None
    assert note(budgets, bad, NOW + 2) == "strained: 30% of the answers are lost or cut short, 1% is usual"
    for _ in range(10):
        assert note(budgets, Load(100, 90, 0, 900.0), NOW + 3, NOW + 1) is None
    bucket = bucket_of(budgets, ZONE, NOW + 3)

    assert (bucket.rate, bucket.limited_until) == (200.0, NOW + 12)
    assert bucket.complained_rate == 400.0


def test_a_sweep_out_of_line_is_no_reason_to_grow() -> None:
    """Nor one to shrink, while it is alone; a checker that does not count teaches what it did before."""
    budgets = Budgets()
    note(budgets, Load(100, 1, 0, 40.0), NOW)
    note(budgets, Load(100, 30, 0, 40.0), NOW)
    assert bucket_of(budgets, ZONE).clean_answers == 1
    note(budgets, None, NOW)
    assert bucket_of(budgets, ZONE).clean_answers == 2


def test_a_sweep_tells_its_load_where_its_checker_counts() -> None:
    """Older checkers do not."""
    codes = bytes([DELEGATED] * 3)
    told = SweepResult(CREDIT, "1", codes=codes, asked=9, lost=4, truncated=2, delay_ms=12.5)

    assert load_of_sweep(told) == Load(9, 4, 2, 12.5)
    assert load_of_sweep(SweepResult(CREDIT, "1", codes=codes)) is None
