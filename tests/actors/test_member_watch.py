"""How old announcements of instances are, when one is silent or gone, and when a clock is wrong."""

from __future__ import annotations

import pytest

from actors.control.instance_watch import Seen, merge_seen
from actors.control.member_watch import (
    CLOCK_AFTER,
    CLOCK_LIMIT,
    GONE_AFTER,
    SILENT_AFTER,
    Announced,
    MemberWatch,
    RosterLook,
    clock_problems,
)
from common.instances import Coordinator, Instance
from common.store.lease_contract import Leader
from common.store.member_contract import Member, Roster, SeenMember, Shown, ShownShard

#: The clock of the database.
THEN = 5000.0


def seen(name: str = "far", at: float = THEN, **shown: object) -> SeenMember:
    """An announcement, made at that time by the clock of the database."""
    return SeenMember(Member(name, "i", "north", "1", 77.0, Shown(**shown)), at)  # type: ignore[arg-type]  # as the test says


def roster(*members: SeenMember, at: float = THEN) -> Roster:
    """What a look at that time finds."""
    return Roster(members, at)


def only(found: list[Announced]) -> tuple[float, str]:
    """Age and status of the one instance that there is."""
    (row,) = found
    return row.age, row.status


def test_an_announcement_tells_all_that_is_known_of_an_instance() -> None:
    """Times of its heartbeats are by the clock of the database, so they go with the age."""
    watch = MemberWatch()
    shown = {"host": "h", "processes": 7, "leader": "x", "epoch": 3, "heard_ago": 1.0, "coordinator_ago": 4.0}
    (row,) = watch.note(roster(seen(**shown, coordinator_started_at=66.0)), 0.0)
    coordinator, leader = Coordinator(THEN - 4.0, 66.0), Leader("x", "", 3, "", "")
    assert row.instance == Instance("far", THEN - 1.0, 77.0, 7, False, {0: coordinator}, {0: leader}, "h", "north")
    (bare,) = watch.note(roster(seen()), 1.0)
    assert bare.instance == Instance("far", THEN, 77.0, 0, False, {}, {}, None, "north")
    assert [row.status for row in watch.note(roster(seen("a", stopping=True), seen("b")), 2.0)] == ["stopping", "ok"]


def test_an_announcement_tells_of_every_shard() -> None:
    """Of those that it knows a leader of, and has a coordinator for."""
    shards = (ShownShard(1, "x", 4, 2.0, 50.0), ShownShard(2))
    (row,) = MemberWatch().note(roster(seen(leader="far", epoch=3, shards=shards)), 0.0)
    assert row.instance.leaders == {0: Leader("far", "", 3, "", ""), 1: Leader("x", "", 4, "", "")}
    assert row.instance.coordinators == {1: Coordinator(THEN - 2.0, 50.0)}


def test_the_age_of_a_first_announcement_is_by_the_clock_of_the_database() -> None:
    """Later on by ours; that of its heartbeats is added. An announcement of the future is new."""
    watch = MemberWatch()
    old = seen(heard_ago=1.5)
    assert only(watch.note(roster(old, at=THEN + 3.0), 100.0)) == (4.5, "ok")
    assert only(watch.note(roster(old, at=THEN + 900.0), 102.0)) == (6.5, "ok"), "its clock was set"
    assert only(watch.note(roster(seen(at=THEN + 4.0), at=THEN + 950.0), 103.0)) == (0.0, "ok")
    assert only(MemberWatch().note(roster(old, at=THEN - 50.0), 0.0)) == (1.5, "ok")
    assert only(MemberWatch().note(Roster((old,), None), 0.0)) == (1.5, "ok")


def test_an_instance_that_announces_nothing_is_silent_and_then_gone() -> None:
    """Also one whose processes hang, while it goes on announcing that; it is back with its next announcement."""
    watch = MemberWatch()
    ages = (0.0, SILENT_AFTER, SILENT_AFTER + 0.1, GONE_AFTER, GONE_AFTER + 0.1)
    found = [only(watch.note(roster(seen(stopping=True)), 10.0 + age))[1] for age in ages]
    assert found == ["stopping", "stopping", "silent", "silent", "gone"]
    assert only(watch.note(roster(seen(at=THEN + 1)), 99.0)) == (0.0, "ok")
    assert only(watch.note(roster(seen(at=THEN + 2, heard_ago=SILENT_AFTER + 1)), 100.0)) == (SILENT_AFTER + 1, "silent")
    assert only(MemberWatch().note(roster(seen(), at=THEN + GONE_AFTER + 1), 0.0))[1] == "gone"


def test_while_the_database_is_away_ages_grow_and_none_becomes_silent() -> None:
    """When it is back every instance has time to announce itself; one that does not is silent then."""
    watch = MemberWatch()
    watch.note(roster(seen()), 10.0)
    assert only(watch.note(roster(seen()), 15.0)) == (5.0, "ok")
    for moment in (16.0, 60.0, 200.0):
        assert only(watch.note(None, moment)) == (moment - 10.0, "ok")
    assert only(watch.note(roster(seen()), 205.0)) == (195.0, "ok")
    assert only(watch.note(roster(seen()), 215.0)) == (205.0, "ok"), "fifteen seconds in which it could be read"
    assert only(watch.note(roster(seen()), 215.5)) == (205.5, "silent")
    assert only(watch.note(None, 300.0)) == (290.0, "silent"), "it stays as it was"
    assert only(watch.note(roster(seen(at=THEN + 1)), 301.0)) == (0.0, "ok")
    assert only(watch.note(roster(seen(at=THEN + 1)), 316.5)) == (15.5, "silent"), "what was before it counts no more"


def test_a_first_look_that_fails_shows_nothing() -> None:
    """An instance that has withdrawn is not shown any more, and its name begins anew."""
    watch = MemberWatch()
    assert watch.note(None, 5.0) == []
    assert only(watch.note(roster(seen(), at=THEN + 2.0), 6.0)) == (2.0, "ok")
    assert watch.note(roster(), 7.0) == []
    assert only(watch.note(roster(seen(), at=THEN + 9.0), 8.0)) == (9.0, "ok")


@pytest.mark.parametrize(
    ("began", "ended", "told"),
    [
        (THEN, THEN, ""),
        (THEN + CLOCK_LIMIT, THEN + CLOCK_LIMIT, ""),
        (THEN + 2.5, THEN + 2.5, "2.5 s ahead of"),
        (THEN - 2.5, THEN - 2.5, "2.5 s behind"),
        (THEN + 2.5, THEN + 4.5, "3.5 s ahead of"),
        (THEN + 1.5, THEN + 9.0, ""),
        (THEN + 2.5, THEN + 3.0, "2.8 s ahead of"),
        (THEN - 3.0, THEN - 2.5, "2.8 s behind"),
        (THEN - 60.0, THEN + 1.0, ""),
    ],
)
def test_a_clock_that_differs_by_more_than_the_look_took_is_a_problem(began: float, ended: float, told: str) -> None:
    """More than two seconds, for a while, with what to do."""
    found = list(clock_problems(RosterLook(roster(), began, ended)))
    assert [problem.code for problem in found] == ["clock_differs"] * bool(told)
    for problem in found:
        assert problem.what == f"The clock of this host is {told} that of the database."
        assert "NTP" in problem.remedy
        assert (problem.after, problem.restart_helps, problem.unwatched) == (CLOCK_AFTER, False, False)


def test_a_store_without_a_clock_says_nothing_of_ours() -> None:
    """It is a file of this host."""
    assert list(clock_problems(RosterLook(Roster(), 0.0, 0.0))) == []


def test_an_instance_that_is_seen_twice_is_shown_once() -> None:
    """As its heartbeats say, with host and egress of its announcement; one that moved away as it announces itself."""

    def look(name: str, age: float, near: bool) -> Seen:
        host, egress = (None, None) if near else ("h", "e")
        return Seen(Instance(name, 0.0, 0.0, 0, False, {}, {}, host, egress), age, "ok", near)

    near = {name: look(name, age, True) for name, age in {"own": 90.0, "both": 16.0, "moved": 16.1, "here": 1.0}.items()}
    far = {name: look(name, 1.0, False) for name in ("own", "both", "moved", "there")}
    shown = {row.instance.name: row for row in merge_seen("own", near, far)}
    assert len(list(merge_seen("own", near, far))) == len(shown) == 5
    assert shown["own"] == near["own"]
    assert shown["here"] == near["here"]
    assert shown["there"] == far["there"]
    assert shown["moved"] == far["moved"]
    assert shown["both"] == near["both"]._replace(instance=far["both"].instance)
