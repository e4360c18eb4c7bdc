"""Readings of publications, applied to the watched names."""

from __future__ import annotations

import pytest

from common.core.domains.stages import Stage
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.publication import ListedName
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN
from common.core.publications.joins import BEFORE_RELEASE
from common.messages import PublicationPart, PublicationStatus
from tests.core.checks.checks_room import NOW
from tests.core.publications.publications_room import PublicationsRoom

DAY, HOUR = 86_400.0, 3600.0


def part(number: int, *names: str, last: bool = False, made_at: float = NOW - 600, total: int = 9) -> PublicationPart:
    """A part of a reading of .uk's drop list, whose names are released in three days."""
    return PublicationPart(
        "uk-drops", made_at, NOW, number, last, total, tuple(ListedName(name, NOW + 3 * DAY) for name in names)
    )


# -- drop lists ----------------------------------------------------------------------------------------------------------


def test_a_name_on_a_drop_list_is_on_its_way_out_at_no_query() -> None:
    """Its release is known, its state is that of its phase, and it is not asked about before the list is read again."""
    room = PublicationsRoom()
    ids = room.watch_in(State.REGISTERED, "a.uk", "b.uk", code=NXDOMAIN)
    room.tell("uk-drops", [("a.uk", NOW + 3 * DAY), ("not-watched.uk", NOW + DAY)])

    assert room.asked() == []
    entry = room.entry_of("a.uk")
    assert entry.state is State.PENDING_DELETE
    assert entry.phase is Phase.PENDING_DELETE
    assert entry.detail.published is not None
    assert entry.detail.published[:2] == (NOW + 3 * DAY, NOW + 3 * DAY + 60)
    assert "list of .uk names to be released, from 2026-" in entry.detail.published[2]
    assert entry.detail.evidence["list"].at == NOW - 600
    assert entry.detail.registered_seen == NOW - 600
    assert 1.2 * DAY <= room.due(ids)[0] <= 1.8 * DAY
    assert room.due(ids)[1] == 600
    assert room.domains.stages.stage_of(int(ids[0])) is Stage.IDLE
    assert room.domains.journal.is_unwritten(entry)


def test_a_release_that_is_far_may_still_be_undone() -> None:
    """.uk lists names 65 days ahead; they can be renewed until the last five."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk", code=NXDOMAIN)
    room.tell("uk-drops", [("a.uk", NOW + 30 * DAY)])
    room.begin()

    assert room.entry_of("a.uk").state is State.REDEMPTION


def test_near_its_release_a_name_is_asked_about_again() -> None:
    """An hour before, whenever the list is read next."""
    room = PublicationsRoom()
    ids = room.watch_in(State.REGISTERED, "a.uk", code=NXDOMAIN)
    room.tell("uk-drops", [("a.uk", NOW + 5 * HOUR)])
    room.begin()

    assert room.due(ids)[0] <= 5 * HOUR - BEFORE_RELEASE


def test_a_name_that_is_listed_as_before_is_left_alone() -> None:
    """It is not loaded, and not asked about before the list is read again; names with priority are checked all the same."""
    room = PublicationsRoom()
    ids = room.watch_in(State.PENDING_DELETE, "a.uk", "b.uk")
    urgent = room.watch("c.uk", priority=True, at=NOW + 60)
    names = [(name, NOW + 30 * DAY) for name in ("a.uk", "b.uk", "c.uk")]
    room.tell("uk-drops", names)
    room.begin()
    for entry in list(room.domains.working_set.loaded.values()):
        room.domains.working_set.evict_entry(entry.id)
    room.domains.stages.schedule_checks(ids, room.domains.table.schedule.times_of(ids) * 0 + NOW + 60)
    room.domains.stages.schedule_checks(urgent, room.domains.table.schedule.times_of(urgent) * 0 + NOW + 60)
    room.tell("uk-drops", names, made_at=NOW - 500)

    assert room.asked() == []
    assert len(room.domains.working_set) == 0
    assert min(room.due(ids)) > DAY
    assert room.due(urgent) == [60]


def test_a_changed_release_is_taken() -> None:
    """The younger list counts."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk")
    room.tell("uk-drops", [("a.uk", NOW + 3 * DAY)])
    room.begin()
    room.tell("uk-drops", [("a.uk", NOW + 4 * DAY)], made_at=NOW - 500)
    room.begin()

    published = room.entry_of("a.uk").detail.published
    assert published is not None
    assert published[0] == NOW + 4 * DAY


def test_a_name_that_left_the_list_before_its_release_is_checked() -> None:
    """It was renewed or restored, most likely: what the list said is taken away, and the name is asked about."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk", "b.uk")
    room.tell("uk-drops", [("a.uk", NOW + 3 * DAY), ("b.uk", NOW - 700)])
    room.begin()
    room.waiting_queries()
    room.tell("uk-drops", [], made_at=NOW - 500)

    assert [domain for _, domain in room.asked()] == ["a.uk"]
    detail = room.entry_of("a.uk").detail
    assert detail.published is None
    assert "list" not in detail.evidence


def test_a_name_whose_release_is_over_is_checked_once() -> None:
    """A list of today that is read after its hour: nothing of it is evidence any more."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk")
    room.tell("uk-drops", [("a.uk", NOW - 10)])

    assert [domain for _, domain in room.asked()] == ["a.uk"]
    assert "list" not in room.entry_of("a.uk").detail.evidence
    room.tell("uk-drops", [("a.uk", NOW - 10)], made_at=NOW - 500)
    assert room.asked() == []


def test_lists_of_one_day_end_with_it() -> None:
    """A name that a list of the day does not hold on the next was not renewed for that."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.cn")
    room.joins.take_part(PublicationPart("cn-drops-2", NOW - 600, NOW, 0, True, 1, (ListedName("a.cn", NOW + DAY),)), NOW)
    room.joins.take_part(PublicationPart("cn-drops-2", NOW - 500, NOW, 0, True, 0, ()), NOW)
    room.joins.release_waiting(NOW)

    assert room.asked() == []


def test_a_list_that_is_older_than_the_registrys_answer_says_nothing() -> None:
    """The name was found purged since: its alarm goes on."""
    room = PublicationsRoom()
    entry = room.load("a.uk")
    entry.state, entry.detail.purged_at, entry.detail.passes = State.PENDING_DELETE, NOW - 60, (NOW - 60,)
    denial = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found"))
    entry.detail.evidence["rdap"] = Evidence(denial, NOW - 60, NOW - 60)
    room.tell("uk-drops", [("a.uk", NOW + 3 * DAY)])
    room.begin()

    assert entry.detail.passes == (NOW - 60,)
    assert entry.detail.purged_at == NOW - 60
    assert "list" not in entry.detail.evidence
    assert entry.detail.published is None


# -- readings ------------------------------------------------------------------------------------------------------------


def test_a_reading_counts_with_its_last_part() -> None:
    """Until then nothing of it is used."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk", "b.uk")
    room.joins.take_part(part(0, "a.uk"), NOW)
    assert room.joins.show_rows(NOW)[0]["joined"] is None
    room.joins.take_part(part(1, "b.uk", "a.uk", last=True), NOW)

    assert room.joins.show_rows(NOW)[0]["joined"] == 2


@pytest.mark.parametrize(
    "second",
    [part(2, "b.uk", last=True), part(1, "b.uk", last=True, made_at=NOW), part(1, "b.uk", last=True, total=8)],
    ids=["a part is missing", "of another reading", "of another size"],
)
def test_a_reading_with_a_part_missing_changes_nothing(second: PublicationPart) -> None:
    """And it is said."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk", "b.uk")
    room.joins.take_part(part(0, "a.uk"), NOW)
    room.joins.take_part(second, NOW)
    room.joins.take_part(part(3, "b.uk", last=True), NOW)
    room.joins.release_waiting(NOW)

    assert room.asked() == []
    row = room.joins.show_rows(NOW)[0]
    assert row["joined"] is None
    assert "does not follow" in row["problem"]


def test_an_older_reading_changes_nothing() -> None:
    """One of the same age does: a reader that began anew sends it again."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk")
    room.tell("uk-drops", [("a.uk", NOW + DAY)])
    room.tell("uk-drops", [("a.uk", NOW + 2 * DAY)], made_at=NOW - 601)
    assert "1 s older" in room.joins.show_rows(NOW)[0]["problem"]
    room.tell("uk-drops", [("a.uk", NOW + 3 * DAY)])
    room.begin()

    published = room.entry_of("a.uk").detail.published
    assert published is not None
    assert published[0] == NOW + 3 * DAY
    assert room.joins.show_rows(NOW)[0]["problem"] is None


def test_a_publication_tells_of_its_own_suffixes_only() -> None:
    """A list of names at any depth below them, a zone of those right below it."""
    room = PublicationsRoom()
    ids = room.watch("a.com", "a.uk", "a.x.uk", "a.se", "a.x.se", at=NOW + 60)
    room.domains.table.suffix[ids[[2, 4]]] = room.domains.table.suffix_numbers_of(["x.uk", "x.se"])
    room.tell("uk-drops", [(name, NOW + DAY) for name in ("a.com", "a.uk", "a.x.uk", "a.se")])
    room.tell("se-zone", ["a.com", "a.uk", "a.se", "a.x.se"])

    assert [row["joined"] for row in room.joins.show_rows(NOW)] == [1, 2]


def test_how_readings_went_is_shown() -> None:
    """With what was wrong, and when it is read next."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.uk")
    room.joins.take_part(part(0, "a.uk"), NOW)
    room.joins.take_status(PublicationStatus("uk-drops", NOW, None, "it is a web page", 100, 0.1))
    room.joins.take_part(part(1, last=True), NOW)  # of a reading that failed

    (row,) = room.joins.show_rows(NOW)
    assert (row["name"], row["suffixes"], row["kind"]) == ("uk-drops", ["uk"], "drop_list")
    assert (row["problem"], row["checked_at"], row["joined"], row["made_at"]) == ("it is a web page", NOW, None, None)
    assert NOW + 300 <= row["next"] <= NOW + 600
    room.tell("uk-drops", [("a.uk", NOW + DAY)], total=77)
    room.joins.take_status(PublicationStatus("uk-drops", NOW, NOW - 600, "", 100, 0.1))
    (row,) = room.joins.show_rows(NOW)
    assert (row["problem"], row["joined"], row["size"], row["made_at"]) == (None, 1, 77, NOW - 600)
    assert row["next"] >= NOW + DAY


def test_a_publication_that_does_not_exist_is_a_bad_message() -> None:
    """Nothing is kept of it."""
    room = PublicationsRoom()
    room.tell("no-such-list", ["a.uk"])
    room.joins.take_status(PublicationStatus("no-such-list", NOW, None, "x", 0, 0.0))

    assert room.joins.show_rows(NOW) == []


# -- zones ---------------------------------------------------------------------------------------------------------------


def test_a_name_in_a_zone_is_delegated_at_no_query() -> None:
    """As by a DNS answer of the zone's age; it is not swept before the zone is read again."""
    room = PublicationsRoom()
    ids = room.watch_in(State.REGISTERED, "a.se", code=DELEGATED)
    room.tell("se-zone", ["a.se"])
    table = room.domains.table

    assert (table.code[ids[0]], table.dns_at[ids[0]], table.checked_at[ids[0]]) == (DELEGATED, NOW - 600, NOW - 600)
    assert table.addresses[table.address[ids[0]]] == "zone of se-zone"
    assert HOUR * 1.2 <= room.due(ids)[0] <= HOUR * 1.8
    assert room.asked() == []


def test_a_new_name_in_a_zone_is_registered() -> None:
    """At its first look, without an event."""
    room = PublicationsRoom()
    ids = room.watch("a.se", at=NOW + 1)
    room.tell("se-zone", ["a.se"])

    assert room.domains.state_of(int(ids[0])) is State.REGISTERED
    assert room.domains.by_state["REGISTERED"] == 1
    assert room.domains.journal.has_events() is False


def test_what_is_known_to_be_younger_stands() -> None:
    """A zone says nothing about later."""
    room = PublicationsRoom()
    ids = room.watch_in(State.REGISTERED, "a.se", "b.se", code=NXDOMAIN, seen_at=NOW - 599)
    room.tell("se-zone", ["a.se"])

    assert room.domains.table.code[ids].tolist() == [NXDOMAIN] * 2
    assert room.due(ids) == [600, 600]
    assert room.asked() == []


def test_names_in_the_middle_of_something_are_left_to_checks() -> None:
    """Loaded, queued for a sweep, not watched, on priority, or with a registry record that is due."""
    room = PublicationsRoom()
    loaded = room.load("a.se")
    room.domains.stages.schedule_check(loaded, NOW + 60)
    queued = room.watch_in(State.REGISTERED, "b.se")
    room.domains.stages.queue_for_sweep(queued)
    gone = room.watch_in(State.REGISTERED, "c.se")
    room.domains.stages.unwatch_name(int(gone[0]))
    record = room.watch_in(State.REGISTERED, "d.se", due=NOW + 60)
    room.domains.table.registry_due[record] = NOW - 1
    urgent = room.watch("e.se", priority=True, at=NOW + 10)
    room.domains.table.state[urgent] = room.domains.table.state[record]
    room.tell("se-zone", ["a.se", "b.se", "c.se", "d.se", "e.se"])
    table = room.domains.table

    assert [int(table.code[name_id]) for name_id in (loaded.id, queued[0], gone[0])] == [0, 0, 0]
    assert loaded.next_check == NOW + 60
    assert room.domains.stages.are_queued(queued).all()
    assert table.code[record[0]] == DELEGATED
    assert room.due(record)[0] < HOUR  # swept, so that its record is asked for
    assert room.due(urgent) == [10]


def test_a_window_that_is_near_is_kept() -> None:
    """A name that may drop is swept as its forecast says."""
    room = PublicationsRoom()
    ids = room.watch_in(State.EXPIRED_GRACE, "a.se", code=DELEGATED, due=NOW + 60)
    room.domains.table.earliest[ids], room.domains.table.latest[ids] = NOW - 500, NOW + 500
    room.tell("se-zone", ["a.se"])

    assert room.due(ids) == [60]


def test_a_name_that_left_the_zone_is_checked() -> None:
    """One that was delegated when it was last seen; a name that never was, or of another suffix, is not."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.se", "a.nu", code=DELEGATED)
    room.watch_in(State.UNDELEGATED, "b.se", code=NXDOMAIN)
    room.watch("c.se", at=NOW + 60)
    room.watch_in(State.REGISTERED, "d.se", code=DELEGATED, seen_at=NOW - 60)
    room.tell("se-zone", [])

    assert room.asked() == [("dns", "a.se")]


def test_a_name_that_came_back_to_the_zone_is_checked() -> None:
    """It was restored, or taken."""
    room = PublicationsRoom()
    ids = room.watch_in(State.PENDING_DELETE, "a.se", code=NXDOMAIN)
    room.watch_in(State.AVAILABLE, "b.se", code=NXDOMAIN)
    room.tell("se-zone", ["a.se", "b.se"])
    assert room.domains.table.code[ids].tolist() == [NXDOMAIN]  # a check finds out what it means

    assert sorted(domain for _, domain in room.asked()) == ["a.se", "b.se"]


def test_a_zone_of_a_day_is_too_old_to_wait_for_the_next() -> None:
    """Names are due as after a sweep at its age."""
    room = PublicationsRoom()
    ids = room.watch_in(State.REGISTERED, "a.com", code=DELEGATED, due=NOW + 60)
    room.tell("com-zone-file", ["a.com"])

    assert 0.75 * HOUR - 600 <= room.due(ids)[0] <= 1.25 * HOUR - 600


# -- other lists ---------------------------------------------------------------------------------------------------------


def test_a_name_missing_in_a_list_of_all_names_is_checked_and_nothing_more() -> None:
    """Absence is a reason to ask: no evidence."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.sk", "b.sk", code=DELEGATED)
    room.watch_in(State.AVAILABLE, "c.sk", code=NXDOMAIN)
    room.watch_in(State.REGISTERED, "d.sk", seen_at=NOW - 60)
    room.tell("sk-names", ["a.sk"])

    assert room.asked() == [("dns", "b.sk")]
    assert "list" not in room.entry_of("b.sk").detail.evidence
    assert room.entry_of("b.sk").state is State.REGISTERED
    room.tell("sk-names", ["a.sk"], made_at=NOW - 500)
    assert room.asked() == []


def test_a_listed_name_that_was_thought_free_is_registered() -> None:
    """And checked: the list may be from before its drop, which its age tells."""
    room = PublicationsRoom()
    room.watch_in(State.UNREGISTERED, "a.sk", code=NXDOMAIN)
    room.watch_in(State.REGISTERED, "b.sk", code=DELEGATED)
    room.tell("sk-names", ["a.sk", "b.sk"])

    assert [domain for _, domain in room.asked()] == ["a.sk"]
    item = room.entry_of("a.sk").detail.evidence["list"]
    assert (item.observation.reading.finding, item.observation.reading.outcome) == ("list_registered", Outcome.REGISTERED)
    assert room.entry_of("a.sk").state is State.REGISTERED


def test_an_auction_is_a_release_process() -> None:
    """A name new to the list is checked with that known; one that left the list is checked without it."""
    room = PublicationsRoom()
    room.watch_in(State.PENDING_DELETE, "a.ee", code=NXDOMAIN)
    room.tell("ee-auctions", ["a.ee"])

    assert [domain for _, domain in room.asked()] == ["a.ee"]
    entry = room.entry_of("a.ee")
    assert entry.detail.evidence["list"].observation.reading.outcome is Outcome.DROPPING
    assert entry.state is State.DROPPING
    room.domains.stages.end_check(entry)
    room.domains.stages.schedule_check(entry, NOW + 60)
    room.tell("ee-auctions", [], made_at=NOW - 500)
    assert [domain for _, domain in room.asked()] == ["a.ee"]
    assert "list" not in entry.detail.evidence


def test_a_deleted_name_is_checked_once() -> None:
    """The list proves nothing."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, "a.mx", code=DELEGATED)
    room.tell("mx-deleted", ["a.mx"])
    assert [domain for _, domain in room.asked()] == ["a.mx"]
    assert "list" not in room.entry_of("a.mx").detail.evidence
    room.tell("mx-deleted", ["a.mx"], made_at=NOW - 500)

    assert room.asked() == []


def test_many_names_go_on_as_there_is_room() -> None:
    """No more checks wait than others can bear; the rest follows."""
    room = PublicationsRoom()
    room.watch_in(State.REGISTERED, *(f"n{number}.mx" for number in range(5000)))
    room.tell("mx-deleted", [f"n{number}.mx" for number in range(2000)])
    room.tell("mx-deleted", [f"n{number}.mx" for number in range(3000)], made_at=NOW - 500)
    waiting = len(room.starts.admission)
    for _ in range(60):
        room.begin()
        for entry in list(room.domains.working_set.loaded.values()):
            if room.domains.stages.end_check(entry) is not None:
                room.domains.stages.schedule_check(entry, NOW + 900)
            room.domains.working_set.evict_entry(entry.id)
        room.joins.release_waiting(NOW)

    assert waiting == 2000
    assert len(room.starts.admission) == 0
