"""When a server counts as verified, which canaries are asked anew, and how a server that lied comes back."""

from __future__ import annotations

from random import Random

import pytest

from common.core.model.channel import ChannelKey, Probe
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.records import TrustRow
from common.core.trust.server_trust import LIMIT, Trust, is_unrefuted, is_verified, is_verified_after
from tests.core.verdict.answers import NOW

KEY = ChannelKey("rdap", "rdap.example", "com")
TICK = 0.001
WINDOW = 600.0


def row(registered: float = 1.0, free: float = 1.0, **changes: float | str) -> TrustRow:
    """A server whose canaries were right so many seconds ago."""
    return TrustRow(*KEY, NOW - registered, NOW - free, **changes)  # type: ignore[arg-type]


def restored(*rows: TrustRow) -> Trust:
    """Trust as the store holds it."""
    trust = Trust()
    trust.restore_rows(rows, NOW)
    return trust


def said(outcome: Outcome) -> Observation:
    """An answer to a canary."""
    return Observation("rdap", Reading(outcome, "rdap_404_json", "so it says"), server="rdap.example")


def asked(
    of: TrustRow, *, positive: float = 9.0, names: tuple[str, ...] = ("known.com",), window: float = WINDOW
) -> list[bool]:
    """Which canaries are asked for an answer of so many seconds ago: True the known name, False the random one."""
    probes = restored(of).find_probes(KEY, NOW - positive, names, NOW, Random(1), window=window)
    return [probe.registered for probe in probes]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (row(), True),
        (row(registered=WINDOW, free=WINDOW), True),
        (row(registered=WINDOW + TICK), False),
        (row(free=WINDOW + TICK), False),
        (row(registered=0.0, free=0.0), True),
        (row(registered=-TICK), False),
        (row(free=-TICK), False),
        (TrustRow(*KEY), False),
    ],
)
def test_a_server_expected_while_both_canaries_are_young_enough(of: TrustRow, expected: bool) -> None:
    """For ten minutes to the tick, each of them, and never from the future."""
    assert is_verified(of, NOW) is expected


def test_another_window_lets_canaries_be_older() -> None:
    """As a slow channel's are."""
    assert is_verified(row(900.0, 900.0), NOW, window=900.0)
    assert not is_verified(row(900.0, 900.0), NOW, window=899.0)


@pytest.mark.parametrize(
    ("of", "stands"),
    [
        (row(9e6, 9e6), True),
        (row(quarantined_until=NOW), True),
        (row(quarantined_until=NOW + TICK), False),
        (row(5.0, 3.0, failed_at=NOW - 5.0), False),
        (row(3.0, 5.0, failed_at=NOW - 5.0), False),
        (row(5.0, 5.0, failed_at=NOW - 5.0 - TICK), True),
        (row(5.0, 5.0, failed_at=NOW - 4.0), False),
        (TrustRow(*KEY), False),
    ],
)
def test_a_server_stands_unrefuted_once_both_canaries_were_right_after_the_last_lie(of: TrustRow, stands: bool) -> None:
    """And out of quarantine; how long ago is of no account. A server that was never proven is not unrefuted."""
    assert is_unrefuted(of, NOW) is stands
    assert is_verified(of, NOW, window=1e9) is stands


def test_a_known_name_found_at_the_very_time_of_the_answer_verifies_it() -> None:
    """One found before does not."""
    assert is_verified_after(row(registered=5.0), NOW - 5.0, NOW)
    assert not is_verified_after(row(registered=5.0), NOW - 5.0 + TICK, NOW)


def test_a_server_that_is_not_verified_is_not_verified_after_an_answer() -> None:
    """Though it found a known name after the answer."""
    assert not is_verified_after(row(registered=1.0, free=WINDOW + 1.0), NOW - 5.0, NOW)


@pytest.mark.parametrize(
    ("of", "is_distrusted"),
    [
        (row(), False),
        (row(quarantined_until=NOW + TICK), True),
        (row(quarantined_until=NOW), False),
        (row(9.0, 9.0, failed_at=NOW - 5.0, quarantined_until=NOW - 1.0, reason="a lie"), True),
        (row(4.0, 4.0, failed_at=NOW - 5.0, quarantined_until=NOW - 1.0, reason="a lie"), False),
        (TrustRow(*KEY), False),
    ],
)
def test_a_server_that_lied_is_left_out_until_it_passes_both_canaries_again(of: TrustRow, is_distrusted: bool) -> None:
    """The end of its quarantine is not enough; one that never lied is not left out for being unproven."""
    trust = restored(of)

    assert trust.is_distrusted(KEY, NOW) is is_distrusted
    assert trust.is_quarantined(KEY, NOW) is (of.quarantined_until > NOW)
    assert trust.find_row(KEY) is not None
    assert trust.all_rows() == [of]


def test_a_server_that_was_never_asked_is_neither_trusted_nor_distrusted() -> None:
    """Looking it up does not make it known."""
    trust = Trust()

    assert not trust.is_verified(KEY, NOW)
    assert not trust.is_verified_after(KEY, NOW, NOW)
    assert not trust.is_quarantined(KEY, NOW)
    assert not trust.is_distrusted(KEY, NOW)
    assert trust.find_row(KEY) is None


def test_a_pardon_ends_the_quarantine_and_not_the_need_for_canaries() -> None:
    """The canary was gone: the server is asked again and proves itself anew."""
    trust = restored(row(9.0, 9.0, failed_at=NOW - 5.0, quarantined_until=NOW + 200.0, reason="a lie"))
    trust.end_quarantine(KEY)

    assert not trust.is_quarantined(KEY, NOW)
    assert not trust.is_distrusted(KEY, NOW)
    assert not trust.is_verified(KEY, NOW)
    assert [changed.server for changed in trust.take_changed()] == ["rdap.example"]


def test_a_verified_server_is_asked_only_for_the_known_name_after_its_answer() -> None:
    """And for nothing where it was found since, or at that very time."""
    assert asked(row(registered=10.0), positive=9.0) == [True]
    assert asked(row(registered=9.0), positive=9.0) == []
    assert asked(row(registered=8.0), positive=9.0) == []


def test_canaries_are_asked_anew_once_they_are_too_old() -> None:
    """Each by itself, to the tick, whatever the window."""
    assert asked(row(WINDOW, WINDOW), positive=900.0) == []
    assert asked(row(WINDOW + TICK, WINDOW), positive=900.0) == [True]
    assert asked(row(WINDOW, WINDOW + TICK), positive=900.0) == [False]
    assert asked(row(800.0, 800.0), positive=900.0, window=800.0) == []


def test_canaries_from_before_a_lie_are_asked_anew() -> None:
    """Each that was not right since."""
    assert asked(row(5.0, 5.0, failed_at=NOW - 5.0)) == [True, False]
    assert asked(row(4.0, 5.0, failed_at=NOW - 5.0)) == [False]
    assert asked(row(5.0, 4.0, failed_at=NOW - 5.0)) == [True]


def test_without_a_known_name_only_a_random_one_is_asked() -> None:
    """There is nothing that the server should find."""
    assert asked(TrustRow(*KEY), names=()) == [False]


def test_a_random_name_is_one_of_the_suffix_that_no_other_probe_had() -> None:
    """Twenty letters and digits that start with a letter."""
    rng, trust = Random(1), Trust()
    names = [trust.find_probes(KEY, NOW, (), NOW, rng)[0].domain for _ in range(50)]

    assert len(set(names)) == 50
    for name in names:
        label, _, suffix = name.partition(".")
        assert (label[0], len(label), suffix) == ("q", 20, "com")
        assert label.isalnum()


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.UNREGISTERED])
def test_after_a_canary_that_did_not_help_the_next_one_is_asked(outcome: Outcome) -> None:
    """No answer, or a name that perhaps was never registered: the known names take turns."""
    trust, names = Trust(), ("a.com", "b.com", "c.com")
    first = trust.find_probes(KEY, NOW, names, NOW, Random(1))[0]
    trust.note_answer(
        first, Observation("rdap", unknown_reading("rdap_500", "no")) if outcome is Outcome.UNKNOWN else said(outcome), NOW
    )
    second = trust.find_probes(KEY, NOW, names, NOW, Random(1))[0]

    assert first.domain == "a.com"
    assert second.domain != "a.com"


def test_what_a_canary_changed_is_to_be_kept() -> None:
    """An error changes nothing."""
    trust, probe = Trust(), Probe(KEY, "known.com", registered=True)
    trust.note_answer(probe, Observation("rdap", unknown_reading("rdap_500", "no")), NOW)
    assert trust.take_changed() == []
    trust.note_answer(probe, said(Outcome.REGISTERED), NOW)

    assert [changed.server for changed in trust.take_changed()] == ["rdap.example"]


def test_a_lie_names_the_server_and_the_canary() -> None:
    """And shuts the server out for five minutes."""
    trust = Trust()
    reason = trust.note_answer(Probe(KEY, "random.com", registered=False), said(Outcome.REGISTERED), NOW)

    assert reason == "rdap.example finds random.com (so it says)"
    assert trust.is_quarantined(KEY, NOW + 300.0 - TICK)
    assert not trust.is_quarantined(KEY, NOW + 300.0)


def test_the_server_that_was_heard_of_least_lately_makes_room() -> None:
    """Only so many are remembered; a new one is there all the same."""
    rows = [TrustRow("rdap", f"{number}.example", "com", registered_ok=NOW - number) for number in range(LIMIT)]
    trust = restored(*rows)
    trust.row_of(KEY)

    assert len(trust.all_rows()) == LIMIT
    assert trust.find_row(ChannelKey("rdap", f"{LIMIT - 1}.example", "com")) is None
    assert trust.find_row(ChannelKey("rdap", "0.example", "com")) is not None
    assert trust.find_row(KEY) is not None
