"""The coordinator's judgement of its own work: each problem is said, and is not said where all is well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from common.core.coordinator.inputs import CommitDelayed, ListFailed, Tick
from common.core.coordinator.self_check import SLOW_COMMIT
from common.core.model.effects import LogLine
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.telemetry.problems import CODES, Problem
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NAMES = tuple(f"name{number}.{suffix}" for number in range(4) for suffix in ("com", "org", "se"))


class Watched(World):
    """A world that keeps the log lines."""

    def __init__(self, **options: Any) -> None:
        self.said: list[tuple[float, LogLine]] = []
        super().__init__(**options)

    def _tell(self, command: Any) -> None:
        if isinstance(command, LogLine):
            self.said.append((self.now, command))
        super()._tell(command)

    def told(self, event: str) -> list[str]:
        """The codes of this event's log lines."""
        return [line.fields["code"] for _, line in self.said if line.event == event]

    def problems(self) -> dict[str, Problem]:
        """The problems of this moment, by code."""
        found = {problem.code: problem for problem in self.core.rooms.telemetry.problems.active_problems()}
        assert found.keys() <= CODES.keys()
        assert not any(name in problem.what + problem.remedy for problem in found.values() for name in NAMES)
        return found

    def wait_for(self, code: str, most: float) -> None:
        """Let time pass until there is this problem, at most so many seconds."""
        end = self.now + most
        while code not in self.problems() and self.now < end:
            self.run(120.0)

    def ready(self) -> bool:
        """What the status says."""
        return bool(self.core._status.build_status(self.now)["ready"])


def watching(*, seconds: float = 60.0, **options: Any) -> Watched:
    """A world in which all is well."""
    world = Watched(interval=600.0, **options)
    world.watch(*NAMES)
    world.run(seconds)
    return world


def silent(*methods: str, outcome: Outcome = Outcome.UNKNOWN) -> Callable[[str, str, float], Observation | None]:
    """These methods answer nothing that says anything."""

    def lie(method: str, _domain: str, _now: float) -> Observation | None:
        if method not in methods:
            return None
        reading = unknown_reading(f"{method}_timeout", "no answer in time")
        if outcome is not Outcome.UNKNOWN:
            reading = Reading(outcome, f"{method}_refused", "the server refuses")
        return Observation(method, reading, server=f"{method}.test")

    return lie


@pytest.mark.parametrize("interval", [60.0, 3600.0, 7 * 86_400.0])
def test_hours_in_which_all_is_well_have_no_problem(interval: float) -> None:
    """Neither a start, nor hours of watching, nor a cadence of a week makes a problem out of nothing."""
    world = Watched(interval=interval)
    world.watch(*NAMES)
    world.run(3600.0 if interval < 3600.0 else 6 * 3600.0)

    assert world.told("problem_began") == []
    assert world.ready()


def test_no_route_to_any_registry_is_told_within_two_minutes_and_ends_with_the_first_answer() -> None:
    """Where nothing outside answers names go unwatched; the first answer that says something ends that."""
    world = watching()
    world.lie = silent("dns", "rdap", "whois")
    world.run(1200)

    assert world.told("problem_began") == ["no_answers"]
    assert world.problems()["no_answers"].unwatched
    assert not world.problems()["no_answers"].restart_helps
    assert not world.ready()

    world.lie = lambda *_: None
    world.run(3600)
    assert world.problems() == {}
    assert world.told("problem_ended") == ["no_answers"]
    assert world.ready()


def test_no_route_from_the_start_is_told_within_two_minutes() -> None:
    """A host without a way out says so, however few names it has."""
    world = Watched(interval=3600.0)
    world.lie = silent("dns", "rdap", "whois")
    world.watch("only.com")
    world.run(120)

    assert "no_answers" in world.problems()


def test_a_burst_of_lost_packets_is_no_problem() -> None:
    """Ten seconds without any answer are a hiccup."""
    world = watching(seconds=590.0)
    world.lie = silent("dns", "rdap", "whois")
    world.run(10)
    world.lie = lambda *_: None
    world.run(600)

    assert world.told("problem_began") == []


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.THROTTLED])
def test_a_method_that_says_nothing_anywhere_is_told_and_names_stay_watched(outcome: Outcome) -> None:
    """Name servers that all refuse are a problem of their own; registries still answer, so the service is ready."""
    world = watching()
    world.lie = silent("dns", outcome=outcome)
    world.wait_for("dns_silent", 2 * 3600)

    assert "dns_silent" in world.problems()
    assert not world.problems()["dns_silent"].unwatched
    assert "no_answers" not in world.told("problem_began")


@pytest.mark.parametrize("method", ["rdap", "whois"])
def test_a_registry_layer_that_says_nothing_is_told(method: str) -> None:
    """A closed port 43, or HTTPS that does not leave the host, is told by its method."""
    world = Watched(interval=60.0)
    world.lie = silent(method)
    world.watch(*NAMES)
    world.wait_for(f"{method}_silent", 6 * 3600)

    assert set(world.problems()) == {f"{method}_silent"}
    assert world.ready()


def test_one_registry_that_is_down_is_not_a_whole_method() -> None:
    """A server that answers nothing while the others do is a silent channel, no problem of the service."""
    world = Watched(interval=60.0)
    down = silent("rdap")
    world.lie = lambda method, domain, now: down(method, domain, now) if domain.endswith(".com") else None
    world.watch(*NAMES)
    world.run(2 * 3600)

    assert "rdap_silent" not in world.told("problem_began")


def test_no_worker_at_all_is_told_once_for_all_pools() -> None:
    """A bus that lets no checker in asks nothing: names go unwatched."""
    world = watching()
    for pool in ("fast", "intermediate", "deep"):
        world.kill_worker(pool)
    world.run(120)

    found = [problem.about for problem in world.core.rooms.telemetry.problems.active_problems() if problem.code == "no_workers"]
    assert found == ["checkers"]
    assert not world.ready()
    for pool in ("fast", "intermediate", "deep"):
        world.start_worker(pool)
    world.run(1300)
    assert world.problems() == {}


@pytest.mark.parametrize(("pool", "unwatched"), [("fast", True), ("deep", False), ("notifier", False)])
def test_a_pool_without_workers_is_told_by_its_name(pool: str, unwatched: bool) -> None:
    """Only the pool that watches the zone leaves names unwatched."""
    world = watching()
    world.kill_worker(pool)
    world.run(60)

    assert (world.problems()["no_workers"].about, world.problems()["no_workers"].unwatched) == (pool, unwatched)


def test_a_worker_that_is_started_again_is_no_problem() -> None:
    """A process that comes back within seconds was never missing."""
    world = watching()
    world.kill_worker("fast")
    world.run(10)
    world.start_worker("fast")
    world.run(120)

    assert world.told("problem_began") == []


def test_workers_that_answer_nothing_are_told() -> None:
    """A worker that still announces credit and answers none of its tasks is wedged: a restart helps."""
    world = watching()
    world.arrives = lambda _: False
    world._answer = lambda *_: None  # type: ignore[method-assign]  # workers that take and do nothing
    world.run(1800)

    wedged = [problem for problem in world.core.rooms.telemetry.problems.active_problems() if problem.code == "workers_wedged"]
    assert "fast" in [problem.about for problem in wedged]
    assert all(problem.restart_helps for problem in wedged)
    assert not world.ready()


def test_workers_without_a_free_place_and_without_work_are_told() -> None:
    """A worker whose places are all taken by nothing of ours is stuck."""
    world = watching(seconds=620.0)
    for worker in world.workers.values():
        worker.slots = worker.busy = 0
        worker.places = 0
    world.run(120)

    assert "workers_wedged" in world.problems()
    assert world.problems()["workers_wedged"].restart_helps


def test_nothing_asked_although_names_are_due_is_told() -> None:
    """Names that are due for minutes while no question leaves go unwatched, whatever the cause."""
    world = watching()
    world.core._may_begin = lambda _: False  # type: ignore[method-assign]  # a scheduler that stands still
    world.run(1500)

    assert "nothing_asked" in world.problems()
    assert not world.ready()


def test_names_that_are_not_checked_for_far_longer_than_their_interval_are_told() -> None:
    """Asking slowly is work too, but a watch whose names are hours late is none."""
    world = watching()
    assert world.core._self_check.count_overdue(world.now) == 0
    table = world.core.rooms.domains.table
    assert world.core._self_check.count_overdue(world.now + 3 * 900 + 700) == table.watched_count
    world.now += 3600.0
    world.core.rooms.domains.started -= 7200.0
    table.checked_at[:] = world.now - 7200.0
    world.event(Tick())

    assert world.problems()["names_overdue"].unwatched


def test_an_endpoint_that_refuses_everything_is_told_and_names_stay_watched() -> None:
    """Each POST refused is a problem of the receiver: degraded, since the first refusal, until the first success."""
    world = watching()
    world.endpoint = lambda _: 403
    world.names["gone.com"] = _dropped(world)
    world.watch("gone.com", priority=True)
    world.run(300)

    problem = world.problems()["callbacks_failing"]
    assert "403" in problem.what
    assert not problem.unwatched
    assert world.ready()
    world.endpoint = lambda _: 200
    world.run(600)
    assert world.problems() == {}


@pytest.mark.parametrize("configured", [True, False])
def test_the_status_says_whether_there_is_an_endpoint(configured: bool) -> None:
    """Without one nothing is open, refused or paused."""
    world = watching(callbacks=configured)

    assert world.core._status.build_status(world.now)["deliveries"]["configured"] is configured


def test_parked_callbacks_are_told() -> None:
    """What was given up stays a problem until it is sent again."""
    world = watching()
    world.core.rooms.deliveries.parked = 2
    world.run(5)

    assert "2 callbacks" in world.problems()["callbacks_parked"].what


def test_a_list_that_cannot_be_read_is_told_and_names_stay_watched() -> None:
    """The text of the trouble is told without the address of the list."""
    world = watching()
    world.event(ListFailed("https://list.example/secret: the answer is 500", "https://list.example/secret"))
    world.run(5)

    assert "the answer is 500" in world.problems()["list_failing"].what
    assert "secret" not in world.problems()["list_failing"].what
    assert world.ready()
    world.watch()
    world.run(5)
    assert world.problems() == {}


def test_a_list_that_was_never_read_leaves_nothing_watched() -> None:
    """Without names and without a list the service is not ready, and the cause is the list."""
    world = Watched()
    world.event(ListFailed("domains.txt: no such file", "domains.txt"))
    world.run(30)

    assert set(world.problems()) == {"list_failing"}
    assert world.problems()["list_failing"].unwatched
    assert not world.ready()


def test_a_list_that_is_held_back_is_told() -> None:
    """A list that lost more than half of its names is not taken, and says how it is."""
    world = watching()
    world.unlist(*NAMES[1:])
    world.run(5)

    assert set(world.problems()) == {"list_held"}
    assert world.ready()


def test_an_empty_list_says_what_to_do() -> None:
    """A list that was read and has no names is no trouble of the outside, but nothing is watched."""
    world = Watched()
    world.watch()
    assert not world.ready()  # held back: it may be an accident
    world.watch()
    world.run(5)

    assert set(world.problems()) == {"no_names"}
    assert "DOMAIN_LIST_FILE" in world.problems()["no_names"].remedy
    assert world.ready()


def test_a_write_that_is_put_off_is_told_and_checks_wait_for_it() -> None:
    """With a full disk nothing is asked in vain; when there is room again everything goes on."""
    world = Full(interval=60.0)
    world.watch(*NAMES)
    world.run(120)
    world.full = True
    world.run(600)
    asked = len(world.asked)
    world.run(600)

    assert set(world.problems()) == {"disk_full"}
    assert not world.ready()
    assert len(world.asked) - asked < 20
    world.full = False
    world.run(600)
    assert world.problems() == {}
    assert len(world.asked) - asked > 50


def test_a_write_that_does_not_end_is_told() -> None:
    """A disk that hangs stops every decision."""
    world = watching()
    world._commit = lambda _: None  # type: ignore[method-assign]  # a disk that never answers
    world.run(600 + SLOW_COMMIT)

    assert world.problems()["store_slow"].restart_helps
    assert not world.ready()


class Full(Watched):
    """A world whose disk can be full."""

    full = False

    def _commit(self, changes: Any) -> None:
        if self.full:
            self.event(CommitDelayed("the disk is full"))
            self.after(1.0, lambda: self._commit(changes))
        else:
            super()._commit(changes)


def _dropped(world: World) -> Name:
    """A name that is purged in twenty seconds."""
    return Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None)])
