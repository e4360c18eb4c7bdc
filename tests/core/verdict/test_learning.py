"""What outlives an answer: passes, contradictions, the registry's record, and the channels that hide names in a phase."""

from __future__ import annotations

import pytest

from common.core.lifecycle.forecast import DAY
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.model.offers import PREMIUM
from common.core.model.records import Evidence, PhaseChange
from common.core.verdict.learning import HIDING_LONGEST, PASSES, hiding_channels, learn_from_answer, note_pass, verify_pass
from tests.core.verdict.answers import NOW, asked, denial, hint, holder, premium, refusal

HOUR = 3600.0


def name_with(*items: Evidence) -> Entry:
    """A name with these answers."""
    entry = Entry("gone.com", "com", "gone")
    entry.detail.evidence = {item.observation.method: item for item in items}
    return entry


def learn(entry: Entry, item: Evidence) -> None:
    """An answer comes in, and what outlives it is learned."""
    method = item.observation.method
    entry.detail.evidence[method] = item
    learn_from_answer(entry, method, item.observation.reading.outcome, item.at)


def record(phase: Phase | None, at: float = NOW, expires: str | None = None) -> Evidence:
    """The registry's record of a name in a phase."""
    reading = Reading(Outcome.REGISTERED, "rdap_200_match", "found", phase, Fields(expires_at=expires))
    return Evidence(Observation("rdap", reading), at, at)


# -- answers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["rdap", "whois", "dns", "http"])
def test_a_registered_answer_ends_a_run_of_passes_and_is_remembered(method: str) -> None:
    """Whichever method says so: the name was not gone, or is held again."""
    entry = name_with()
    detail = entry.detail
    detail.passes, detail.verified, detail.basis, detail.purged_at, detail.shown_by = (1.0,), (1.0,), "sources", 1.0, ("whois",)
    detail.offered = PREMIUM
    learn(entry, holder(method))

    assert (detail.passes, detail.verified, detail.basis) == ((), (), "")
    assert (detail.contradicted_at, detail.registered_seen) == (NOW, NOW)
    assert (detail.purged_at, detail.shown_by, detail.offered) == (None, (), "")


def test_what_a_name_was_offered_for_outlives_every_other_answer() -> None:
    """Also a registrar's word for "registered", which may come from a cache."""
    for item in (denial("rdap"), denial("registrar:one"), refusal(), holder("registrar:one"), hint()):
        entry = name_with()
        entry.detail.offered = PREMIUM
        learn(entry, item)
        assert entry.detail.offered == PREMIUM


def test_a_registered_answer_without_a_run_contradicts_nothing() -> None:
    """It is what is expected."""
    entry = name_with()
    learn(entry, holder("rdap"))

    assert entry.detail.contradicted_at is None


def test_an_answer_that_was_not_kept_teaches_nothing() -> None:
    """One that proves nothing leaves the older evidence in its place."""
    entry = name_with(denial("rdap", age=60.0))
    learn_from_answer(entry, "rdap", Outcome.UNKNOWN, NOW)
    learn_from_answer(entry, "whois", Outcome.UNKNOWN, NOW)

    assert (entry.detail.registry_at, entry.detail.purged_at) == (None, None)


def test_the_first_denial_of_the_registry_is_when_the_name_was_purged() -> None:
    """Later ones, and those of the zone, do not move it."""
    entry = name_with()
    learn(entry, denial("dns", age=90.0))
    assert entry.detail.purged_at is None
    learn(entry, denial("whois", age=60.0))
    learn(entry, denial("rdap"))

    assert (entry.detail.purged_at, entry.detail.registry_at) == (NOW - 60.0, NOW)


def test_channels_that_show_a_release_procedure_are_remembered_once_each() -> None:
    """Until the name is registered again."""
    entry = name_with()
    for method in ("whois", "whois", "rdap"):
        shown = Reading(Outcome.DROPPING, f"{method}_x", "in the dropzone")
        learn(entry, Evidence(Observation(method, shown), NOW, NOW))

    assert entry.detail.shown_by == ("whois", "rdap")
    assert entry.detail.purged_at is None


def test_a_record_is_kept_with_its_expiry_and_the_time_at_which_its_phase_was_first_seen() -> None:
    """And when the phase before it was last seen, so that the change lies in between."""
    entry = name_with()
    learn(entry, record(None, NOW - 200.0, "2026-09-21"))
    detail = entry.detail
    assert (detail.phase, detail.phase_since, detail.phase_after) == ("active", NOW - 200.0, None)
    assert (detail.expires_epoch, detail.fields.expires_at) == (pytest.approx(1_789_948_800.0), "2026-09-21")
    learn(entry, record(Phase.REDEMPTION, NOW - 100.0))
    learn(entry, record(Phase.REDEMPTION, NOW))

    assert (detail.phase, detail.phase_since, detail.phase_after) == ("redemption", NOW - 100.0, NOW - 200.0)
    assert detail.expires_epoch is None


# -- DAS, EPP and registrars ---------------------------------------------------------------------------------------------


def test_a_published_release_is_void_once_the_name_is_renewed_or_registered_again() -> None:
    """The same date again voids nothing, nor does a look at the name before its release."""
    entry = name_with()
    entry.detail.published = (1.0, 2.0, "a list")
    for at, expires in ((NOW, "2027-01-01"), (NOW + 1, "2027-01-02")):
        learn(entry, record(Phase.ACTIVE, at, expires))
    assert entry.detail.published is not None
    learn(entry, record(Phase.ACTIVE, NOW + 2, "2027-01-03T00:00:01Z"))
    assert entry.detail.published is None
    entry.detail.published, entry.detail.purged_at = (1.0, 2.0, "a list"), NOW
    learn(entry, record(Phase.ACTIVE, NOW + 3, "2027-01-03"))
    assert entry.detail.published is None


def test_each_change_of_phase_is_kept_with_when_the_one_before_was_last_seen() -> None:
    """Not the first phase of a name: nothing was seen to change."""
    entry = name_with()
    for number, phase in enumerate((Phase.REDEMPTION, Phase.REDEMPTION, Phase.PENDING_DELETE, None)):
        learn(entry, record(phase, NOW + number * HOUR))

    assert entry.detail.transitions == (
        PhaseChange("redemption", "pending_delete", NOW + HOUR, NOW + 2 * HOUR),
        PhaseChange("pending_delete", "active", NOW + 2 * HOUR, NOW + 3 * HOUR),
    )


@pytest.mark.parametrize(("age", "phase"), [(120.0, "redemption"), (121.0, "active")])
def test_a_channel_that_shows_no_phases_ends_none_that_another_one_showed_just_before(age: float, phase: str) -> None:
    """Else the name would enter redemption anew with each look at both, and its forecast would move on by weeks."""
    entry = name_with()
    learn(entry, record(Phase.REDEMPTION, NOW - age))
    learn(entry, holder("whois"))

    assert entry.detail.phase == phase
    learn(entry, record(Phase.REDEMPTION, NOW + 1.0))
    assert (entry.detail.phase_after is None) == (phase == "redemption")
    assert bool(entry.detail.transitions) == (phase == "active")


def test_a_channel_that_shows_phases_ends_its_own() -> None:
    """A restored name is active at once, and another channel that shows a later phase is believed."""
    entry = name_with()
    learn(entry, record(Phase.REDEMPTION, NOW - 10.0))
    learn(entry, record(None, NOW))
    assert entry.detail.phase == "active"

    learn(entry, record(Phase.REDEMPTION, NOW + 1.0))
    shown = Reading(Outcome.REGISTERED, "whois_record", "pending delete", Phase.PENDING_DELETE)
    learn(entry, Evidence(Observation("whois", shown), NOW + 2.0, NOW + 2.0))
    assert entry.detail.phase == "pending_delete"


@pytest.mark.parametrize(
    ("before", "registrar", "expires", "transferred"),
    [
        ("Old, Inc.", "New Inc", "2028-01-01", "Old, Inc."),
        ("Old, Inc.", "OLD INC", "2028-01-01", ""),  # another channel of the registry
        ("Old, Inc.", None, "2028-01-01", ""),
        (None, "New Inc", "2028-01-01", ""),
        ("Old, Inc.", "New Inc", "2027-01-02", "Older"),  # no later expiry, hours are none: as it was
        ("Old, Inc.", "New Inc", None, "Older"),
    ],
)
def test_a_transfer_is_another_registrar_with_a_later_expiry(
    before: str | None, registrar: str | None, expires: str | None, transferred: str
) -> None:
    """Registrars change names with and without it; a transfer of a gTLD adds a year."""
    entry = name_with()
    entry.detail.transferred_from = "Older"
    for number, (holder_now, until) in enumerate(((before, "2027-01-01"), (registrar, expires))):
        reading = Reading(Outcome.REGISTERED, "rdap_200_match", "found", None, Fields(registrar=holder_now, expires_at=until))
        learn(entry, Evidence(Observation("rdap", reading), NOW + number, NOW + number))

    assert entry.detail.transferred_from == transferred


@pytest.mark.parametrize("method", ["das", "epp"])
def test_registered_without_a_record_ends_a_run_and_leaves_record_and_phase_as_they_are(method: str) -> None:
    """When the registry's record was last read decides when it is read again."""
    entry = name_with()
    learn(entry, record(Phase.REDEMPTION, NOW - 100.0, "2026-09-21"))
    detail = entry.detail
    detail.passes, detail.purged_at = (NOW - 50.0,), NOW - 50.0
    learn(entry, holder(method))

    assert (detail.passes, detail.contradicted_at, detail.registered_seen, detail.purged_at) == ((), NOW, NOW, None)
    assert (detail.registry_at, detail.phase, detail.phase_since) == (NOW - 100.0, "redemption", NOW - 100.0)
    assert (detail.fields.expires_at, detail.expires_epoch) == ("2026-09-21", pytest.approx(1_789_948_800.0))


def test_epp_that_names_a_phase_teaches_it_and_no_record() -> None:
    """The phase before was last seen when the last record was read."""
    entry = name_with()
    learn(entry, record(Phase.REDEMPTION, NOW - 100.0, "2026-09-21"))
    shown = Reading(Outcome.REGISTERED, "epp_pending_delete", "pending delete", Phase.PENDING_DELETE)
    learn(entry, Evidence(Observation("epp", shown), NOW, NOW))
    detail = entry.detail

    assert (detail.phase, detail.phase_since, detail.phase_after) == ("pending_delete", NOW, NOW - 100.0)
    assert (detail.registry_at, detail.fields.expires_at) == (NOW - 100.0, "2026-09-21")


def test_das_that_shows_a_name_in_redemption_hides_it_no_more() -> None:
    """Each channel of the registry shows by itself that it knows the name."""
    entry = ending_name(Phase.REDEMPTION)
    entry.detail.blind = ("das", "whois")
    learn(entry, holder("das", age=-1.0))

    assert entry.detail.blind == ("whois",)


@pytest.mark.parametrize("method", ["das", "epp"])
def test_a_denial_by_a_channel_without_a_record_is_when_the_name_was_purged(method: str) -> None:
    """It is no record, though."""
    entry = name_with()
    learn(entry, denial(method))

    assert (entry.detail.purged_at, entry.detail.registry_at) == (NOW, None)


@pytest.mark.parametrize("method", ["epp", "registrar:one"])
def test_the_first_that_would_create_the_name_says_when_it_was_purged(method: str) -> None:
    """At whatever price; a later one does not move it."""
    for item in (denial(method, 60.0), premium(method, 60.0)):
        entry = name_with()
        learn(entry, item)
        assert entry.detail.purged_at == NOW - 60.0
        learn(entry, premium(method))
        assert (entry.detail.purged_at, entry.detail.registry_at) == (NOW - 60.0, None)


@pytest.mark.parametrize("item", [holder("registrar:one"), refusal(), refusal("epp"), hint(), premium("whois")])
def test_what_proves_neither_an_object_nor_its_absence_teaches_neither(item: Evidence) -> None:
    """What a registrar says against a name may come from a cache, and the run goes on."""
    entry = name_with()
    entry.detail.passes, entry.detail.verified, entry.detail.shown_by = (1.0,), (1.0,), ("whois",)
    learn(entry, item)
    detail = entry.detail

    assert (detail.passes, detail.verified, detail.shown_by) == ((1.0,), (1.0,), ("whois",))
    assert (detail.purged_at, detail.registered_seen, detail.contradicted_at, detail.phase) == (None, None, None, None)
    assert detail.registry_at == (NOW if item.observation.method == "whois" else None)


def test_what_a_registrar_says_of_a_holder_takes_no_purge_away() -> None:
    """The registry's word stands."""
    entry = name_with()
    learn(entry, denial("rdap", 5.0))
    learn(entry, holder("registrar:one"))

    assert entry.detail.purged_at == NOW - 5.0


def test_a_name_is_learned_nothing_of_from_an_offer_that_was_not_kept() -> None:
    """An older one was learned from when it came."""
    entry = name_with(denial("registrar:one", age=60.0))
    learn_from_answer(entry, "registrar:one", Outcome.THROTTLED, NOW)

    assert entry.detail.purged_at is None


# -- channels that hide names in a phase ---------------------------------------------------------------------------------


def ending_name(phase: Phase) -> Entry:
    """A name that WHOIS denied since the phase began, and whose record RDAP still shows."""
    entry = name_with(denial("whois", age=60.0))
    entry.detail.phase, entry.detail.phase_since = phase.value, NOW - HOUR
    learn(entry, record(phase))
    return entry


def test_a_denial_from_before_a_catch_hides_no_name() -> None:
    """The name was gone and is held again, in the same phase as before: that is no habit of its registry."""
    assert ending_name(Phase.REDEMPTION).detail.blind == ("whois",)
    assert ending_name(Phase.ACTIVE).detail.blind == ()


def test_a_channel_hides_names_no_longer_than_their_phase_can_last() -> None:
    """A day after the latest drop of the calendar its denial counts, also where the other channel stays dead."""
    entry = ending_name(Phase.REDEMPTION)
    entry.drop = DropWindow(NOW, NOW, NOW + DAY, 0.9)

    assert hiding_channels(entry, NOW + 2 * DAY - 1.0) == ("whois",)
    assert hiding_channels(entry, NOW + 2 * DAY) == ()
    entry.drop = None
    assert hiding_channels(entry, NOW - HOUR + HIDING_LONGEST - 1.0) == ("whois",)
    assert hiding_channels(entry, NOW - HOUR + HIDING_LONGEST) == ()


def test_a_denial_from_before_the_phase_hides_no_name() -> None:
    """What the channel does in this phase is not known yet."""
    entry = name_with(denial("whois", age=2 * HOUR))
    entry.detail.phase, entry.detail.phase_since = Phase.REDEMPTION.value, NOW - HOUR
    learn(entry, record(Phase.REDEMPTION))

    assert entry.detail.blind == ()


def test_a_denial_from_the_moment_the_phase_began_hides_a_name() -> None:
    """That of a registry channel: the zone does not know the name in this phase anyway."""
    entry = name_with(denial("whois", age=HOUR), denial("dns", age=HOUR))
    entry.detail.phase, entry.detail.phase_since = Phase.REDEMPTION.value, NOW - HOUR
    learn(entry, record(Phase.REDEMPTION))

    assert entry.detail.blind == ("whois",)


def test_a_name_that_is_restored_is_hidden_by_no_channel() -> None:
    """What hid it in its redemption shows it now."""
    entry = ending_name(Phase.REDEMPTION)
    learn(entry, record(Phase.ACTIVE, NOW + 1.0))

    assert entry.detail.blind == ()


def test_nothing_hides_a_name_in_a_phase_of_which_no_beginning_is_known() -> None:
    """No denial is known to have come after it."""
    entry = name_with(denial("whois", age=60.0))
    entry.detail.phase, entry.detail.blind = Phase.REDEMPTION.value, ("whois",)
    assert hiding_channels(entry, NOW) == ()
    learn(entry, record(Phase.REDEMPTION))

    assert entry.detail.blind == ()


def test_a_channel_that_shows_the_name_hides_it_no_more() -> None:
    """What it denied before was another state of its database."""
    entry = ending_name(Phase.REDEMPTION)
    shown = Reading(Outcome.REGISTERED, "whois_registered", "found", Phase.REDEMPTION)
    learn(entry, Evidence(Observation("whois", shown), NOW + 1.0, NOW + 1.0))

    assert entry.detail.blind == ()


# -- passes --------------------------------------------------------------------------------------------------------------


def test_a_whole_positive_pass_is_noted_once_the_gap_is_over() -> None:
    """Counted from the beginning of the check to the end of the pass before; a beginning a moment early will do."""
    entry = name_with(denial("rdap"))
    for started, passes in ((NOW - 5.0, 1), (NOW + 29.94, 1), (NOW + 29.96, 2)):
        entry.detail.evidence["rdap"] = denial("rdap", age=NOW - started)
        note_pass(entry, asked(gap=30.0), started, max(NOW, started))
        assert len(entry.detail.passes) == passes


def test_the_gap_is_counted_from_the_last_pass() -> None:
    """However long ago the run began."""
    entry = name_with(denial("rdap"))
    entry.detail.passes = (NOW - 60.0, NOW - 10.0)
    note_pass(entry, asked(gap=30.0), NOW, NOW)

    assert entry.detail.passes == (NOW - 60.0, NOW - 10.0)


def test_a_check_in_which_the_registry_did_not_deny_the_name_is_no_pass() -> None:
    """A denial from before it began, or of the zone alone."""
    for items in ([denial("rdap", age=60.0)], [denial("dns")], [denial("rdap"), holder("whois")], [hint()], [refusal()]):
        entry = name_with(*items)
        note_pass(entry, asked(), NOW - 5.0, NOW)
        assert entry.detail.passes == ()


def test_the_first_pass_and_the_last_ones_are_remembered() -> None:
    """A run that goes on for months keeps twelve of them; what was verified of the others is forgotten with them."""
    entry = name_with()
    for number in range(PASSES + 3):
        now = NOW + 60.0 * number
        entry.detail.evidence["rdap"] = denial("rdap", age=NOW - now)
        note_pass(entry, asked(), now, now)
        entry.detail.verified = (*entry.detail.verified, now)

    assert entry.detail.passes == (NOW, *(NOW + 60.0 * number for number in range(4, PASSES + 3)))
    assert entry.detail.verified == entry.detail.passes


def test_the_last_pass_is_verified_by_a_registry_server_whose_answer_is_part_of_it() -> None:
    """Once; an answer from before that pass, or of the zone, verifies none."""
    entry = name_with(denial("dns", age=5.0))
    entry.detail.passes = (NOW - 60.0, NOW)
    for item, verified in ((None, ()), (denial("whois", age=60.0), ()), (denial("rdap", age=5.0), (NOW,))):
        if item is not None:
            entry.detail.evidence[item.observation.method] = item
        verify_pass(entry, asked(), lambda *_: True, NOW)
        assert entry.detail.verified == verified
    verify_pass(entry, asked(), lambda *_: True, NOW)

    assert entry.detail.verified == (NOW,)


def test_a_registrar_that_stands_in_makes_passes_that_its_canary_verifies() -> None:
    """Also by an offer at a price of its own, and beside one that says "registered"."""
    for item in (denial("registrar:one"), premium("registrar:one")):
        entry = name_with(item, holder("registrar:two"))
        note_pass(entry, asked(), NOW - 5.0, NOW)
        verify_pass(entry, asked(), lambda method, _: method == "registrar:one", NOW)
        assert entry.detail.passes == entry.detail.verified == (NOW,)


def test_a_pass_whose_server_is_not_verified_stays_unverified() -> None:
    """And of an announced name no pass is verified any more."""
    entry = name_with(denial("rdap", age=5.0))
    entry.detail.passes = (NOW,)
    verify_pass(entry, asked(), lambda *_: False, NOW)
    verify_pass(entry, asked(announced=True), lambda *_: True, NOW)

    assert entry.detail.verified == ()


def test_a_pass_is_verified_once_however_many_servers_are() -> None:
    """Also by an answer that came in the moment the pass ended; without a pass there is none to verify."""
    entry = name_with(denial("rdap"), denial("whois"))
    verify_pass(entry, asked(), lambda *_: True, NOW)
    assert entry.detail.verified == ()
    entry.detail.passes = (NOW,)
    verify_pass(entry, asked(), lambda *_: True, NOW)

    assert entry.detail.verified == (NOW,)
