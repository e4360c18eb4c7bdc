"""Taking over a domain list: its difference becomes watched names, and a list that looks like an accident is held back."""

from __future__ import annotations

import numpy as np

from common.core.domains.domain_table import Flag
from common.core.domains.stages import Stage
from common.core.model.effects import Effect, LeaveList, LogLine, TakeList
from common.core.model.ids import NEVER
from common.core.model.records import Detail
from common.core.watchlist.domain_list import ListBuilder
from common.core.watchlist.intake import Intake
from common.core.watchlist.list_diff import ListChunk, summarise_small_list
from tests.core.checks.checks_room import NOW, ChecksRoom


class WatchedRoom(ChecksRoom):
    """The intake on its lower doors; a list is given by its names, those with priority in `urgent`."""

    def __init__(self) -> None:
        super().__init__()
        self.intake = Intake(
            domains=self.domains,
            starts=self.starts,
            gaps=self.canaries.gaps,
            effects=self.effects,
            telemetry=self.telemetry,
        )

    def read(self, *names: str, urgent: tuple[str, ...] = (), now: float = NOW) -> tuple[list[Effect], list[ListChunk]]:
        """Read this list: the effects that follow, without log lines, and the chunks of its difference."""
        builder = ListBuilder(lambda name: name.rpartition(".")[2])
        for name in (*names, *urgent):
            builder.add_entry({"domain": name, "priority": name in urgent})
        table = self.domains.table
        ids = list(range(len(table)))
        flags = [[int(table.has_flag(name_id, flag)) for name_id in ids] for flag in (Flag.WATCHED, Flag.PRIORITY)]
        known = [(ids, [table.name_of(name_id) for name_id in ids], *flags)]
        summary, chunks = summarise_small_list(builder.build_list(), lambda name: name.rpartition(".")[2], known)
        self.intake.read_list(summary, "list.txt", now)
        return [effect for effect in self.effects.take_planned() if not isinstance(effect, LogLine)], chunks

    def take(self, *names: str, urgent: tuple[str, ...] = (), now: float = NOW) -> None:
        """Take over this list."""
        effects, chunks = self.read(*names, urgent=urgent, now=now)
        assert effects == [TakeList()]
        for chunk in chunks:
            self.intake.take_chunk(chunk, now)
        self.intake.finish_list(now)

    def watched(self) -> list[str]:
        """The names that are watched."""
        table = self.domains.table
        return [table.name_of(name_id) for name_id in range(len(table)) if table.has_flag(name_id, Flag.WATCHED)]


def test_the_names_of_a_list_are_watched_and_their_first_checks_spread() -> None:
    """Those with priority are due at once."""
    room = WatchedRoom()
    room.take(*(f"n{number}.com" for number in range(50)), urgent=("soon.org",))
    times = room.domains.table.schedule.times_of(np.arange(51))

    assert len(room.watched()) == 51
    assert room.domains.by_state == {"UNKNOWN": 51}
    assert room.domains.stages.due_at(room.domains.table.find_id("soon.org")) == NOW
    assert len(set(times.tolist())) == 51
    assert (room.intake.state.names, room.intake.state.loaded_at, room.intake.state.source) == (51, NOW, "list.txt")


def test_a_name_that_left_the_list_is_unwatched_and_comes_back_with_its_state() -> None:
    """Its id and what is known of it are kept."""
    room = WatchedRoom()
    room.take("a.com", "b.com", "c.com")
    name_id = room.domains.table.find_id("b.com")
    room.take("a.com", "c.com")
    assert room.watched() == ["a.com", "c.com"]
    assert room.domains.stages.due_at(name_id) == NEVER
    assert room.domains.by_state == {"UNKNOWN": 2}

    room.take("a.com", "b.com", "c.com", now=NOW + 60)
    assert room.domains.table.find_id("b.com") == name_id
    assert NOW + 60 <= room.domains.stages.due_at(name_id) < NOW + 70
    assert room.domains.by_state == {"UNKNOWN": 3}


def test_priority_makes_a_name_due_at_once() -> None:
    """Losing it leaves the time that was planned."""
    room = WatchedRoom()
    room.take("a.com", "b.com")
    name_id = room.domains.table.find_id("a.com")
    room.take("b.com", urgent=("a.com",), now=NOW + 1)
    assert room.domains.stages.due_at(name_id) == NOW + 1
    room.take("a.com", "b.com", now=NOW + 2)

    assert not room.domains.table.has_flag(name_id, Flag.PRIORITY)
    assert room.domains.stages.due_at(name_id) == NOW + 1


def test_a_check_that_waits_becomes_urgent_with_priority() -> None:
    """It does not wait behind those without."""
    room = WatchedRoom()
    room.take("a.com", "b.com", "c.com")
    room.starts.request_checks(np.arange(3), np.full(3, NOW), urgent=False)
    room.take("a.com", "b.com", urgent=("c.com",))
    request = room.starts.admission.take_next_request(ordinary=False)

    assert request is not None
    assert request.name_id == room.domains.table.find_id("c.com")


def test_a_list_without_most_of_the_names_is_held_back_until_it_comes_again() -> None:
    """It looks like an accident: nothing is unwatched; the same list again is meant."""
    room = WatchedRoom()
    room.take(*(f"n{number}.com" for number in range(1000)))
    effects, _ = room.read("n1.com")
    assert effects == [LeaveList()]
    assert room.intake.state.held is not None
    assert len(room.watched()) == 1000

    room.take("n1.com")
    assert room.intake.state.held is None
    assert room.watched() == ["n1.com"]


def test_a_list_that_cannot_be_read_changes_nothing() -> None:
    """What was watched stays watched; the chunks of a list that failed halfway do not count as a list."""
    room = WatchedRoom()
    room.take("a.com")
    room.read("b.com")
    room.intake.note_failure("list.txt: no such file", "list.txt")
    room.intake.finish_list(NOW + 5)

    assert room.watched() == ["a.com"]
    assert room.intake.state.error == "list.txt: no such file"
    assert room.intake.state.loaded_at == NOW
    room.intake.note_same("list.txt", NOW + 10)
    assert (room.intake.state.error, room.intake.state.seen_at) == (None, NOW + 10)


def test_ids_that_do_not_exist_are_passed_over() -> None:
    """A chunk comes from outside of the core."""
    room = WatchedRoom()
    room.take("a.com")
    room.intake.take_chunk(ListChunk(removed=(-1, 7), priorities=((-1, True), (9, True))), NOW)

    assert room.watched() == ["a.com"]


def test_a_name_under_check_that_leaves_the_list_ends_its_check() -> None:
    """Its answers find no check, and no alarm of it waits for a canary."""
    room = WatchedRoom()
    room.take("a.com", "b.com")
    entry = room.domains.load_name(0, Detail(), NOW)
    room.checks.begin_check(entry, NOW)
    room.take("b.com")

    assert entry.check is None
    assert not entry.watched
    assert room.domains.stages.stage_of(0) is Stage.UNWATCHED


def test_only_a_watched_name_is_checked_on_demand() -> None:
    """By every method, before all others."""
    room = WatchedRoom()
    room.take("a.com", "b.com")
    room.take("a.com")

    assert room.intake.check_now("a.com")
    assert not room.intake.check_now("b.com")
    assert not room.intake.check_now("never-listed.com")
    request = room.starts.admission.take_next_request(ordinary=False)
    assert request is not None
    assert (request.name_id, request.manual, request.urgent) == (0, True, True)
