"""Work goes round: what has to run alone stops nobody else, what was lost goes elsewhere, and waiting costs no ticks."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.checks.admission import CheckRequest
from common.core.checks.check_starts import MOST_FETCHING
from common.core.coordinator.coordinator import Coordinator
from common.core.coordinator.inputs import Input, Tick
from common.core.domains.domain_table import Flag
from common.core.model.batch import Batch
from common.core.model.effects import LogLine, Send
from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.query_queue import QueryQueue
from common.core.sweeps.due import MOST_WAITING
from common.core.workers.leases import GRACE, Workers
from common.core.workers.poison import SUSPICION_MEMORY, PoisonDetector
from common.messages import VERSION, Credit, Deliveries, Sweep, Tasks
from tests.core.outbox.posted import notice
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NOW = 1_790_000_000.0
PLENTY = Limit("whois/x", 1000.0, 1000, None)
INNOCENTS = [f"innocent{number}.com" for number in range(51)]


def credit(name: str = "deep-0@h", *, free: int = 100, egress: str = "default", pool: str = "deep", sweeps: int = 0) -> Credit:
    """A credit message; `deep-0` is the one that loses things."""
    methods = {"deep": ("whois",), "fast": ("dns",)}.get(pool, ())
    return Credit(VERSION, name, f"boot of {name}", pool, egress, methods, 100, free, 0, 0, sweeps)


def ask(domain: str, *, rank: int = Rank.ORDINARY, queued: float = NOW, avoid: str = "", limit: Limit = PLENTY) -> Query:
    """A WHOIS question about a name."""
    return Query("whois", "deep", domain, "com", "whois.x", limit, rank, queued, 5.0, avoid=avoid)


class Floor:
    """Workers, a line of questions, and a name that was there in three deaths."""

    def __init__(self, *there: Credit) -> None:
        self.workers, self.queue, self.suspicion = Workers("boot"), QueryQueue(), PoisonDetector()
        self.budgets = Budgets()
        self.budgets.available_tokens(PLENTY, "default", NOW - 10)  # the bucket is full by now
        for each in there or (credit(),):
            self.workers.note_credit(each, NOW)
        for _ in range(3):
            self.suspicion.died(["poison.com"], alone=False, now=NOW)

    def take(self, now: float = NOW) -> list[tuple[str, str]]:
        """(domain, worker) of everything that leaves now."""
        taken = []
        for each, worker in self.queue.take(self.budgets, self.workers, self.suspicion, now):
            self.workers.grant_lease(worker, each, each.budget, now)
            taken.append((each.domain, worker.name))
        return taken

    def busy(self) -> str:
        """Let the first worker do something that has nothing to do with the line; gives the attempt."""
        worker = self.workers.choose_worker("deep")
        assert worker is not None
        return self.workers.grant_lease(worker, "unrelated", 60.0, NOW).attempt


def test_a_name_that_must_run_alone_holds_up_nobody() -> None:
    """One unrelated task runs for a minute: the fifty-one behind the suspicious name leave at once."""
    floor = Floor()
    floor.busy()
    for domain in ("poison.com", *INNOCENTS):
        floor.queue.add_query(ask(domain))

    assert [domain for domain, _ in floor.take()] == INNOCENTS
    assert len(floor.queue) == 1


@pytest.mark.parametrize("per_day", [None, 1000])
def test_a_name_that_must_run_alone_holds_up_no_rank_behind_it(per_day: int | None) -> None:
    """Whatever its own rank, and whether the operator counts days or not."""
    floor = Floor()
    floor.busy()
    limit = Limit("whois/x", 1000.0, 1000, per_day)
    floor.queue.add_query(ask("poison.com", rank=Rank.URGENT, limit=limit))
    floor.queue.add_query(ask("innocent.com", limit=limit))

    assert [domain for domain, _ in floor.take()] == ["innocent.com"]


def test_a_suspicious_name_runs_in_its_turn_once_a_worker_is_idle_and_nothing_runs_beside_it() -> None:
    """It keeps its place in line, and leaves by itself."""
    floor = Floor()
    attempt = floor.busy()
    floor.queue.add_query(ask("poison.com", queued=NOW - 1))
    assert floor.take() == []

    floor.workers.finish_lease(attempt)
    floor.queue.add_query(ask("innocent.com"))
    assert floor.take() == [("poison.com", "deep-0@h")]


def test_with_two_workers_one_takes_the_suspicious_name_and_the_other_the_rest() -> None:
    """The idle one runs it alone."""
    floor = Floor(credit(free=100), credit("deep-1@h", free=50))
    floor.busy()
    for domain in ("poison.com", "innocent.com"):
        floor.queue.add_query(ask(domain))

    assert floor.take() == [("poison.com", "deep-1@h"), ("innocent.com", "deep-0@h")]


def test_a_suspicion_ends_where_no_worker_is_ever_idle() -> None:
    """Ten minutes after the last death the name goes with the others again."""
    suspicion = Floor().suspicion
    suspicion.fade(NOW + SUSPICION_MEMORY - 1)
    assert suspicion.alone("poison.com")

    suspicion.fade(NOW + SUSPICION_MEMORY)
    assert not suspicion.alone("poison.com")


def test_a_question_that_waits_for_a_worker_asks_for_no_tick_before_there_is_news() -> None:
    """Its token is there all the time; a word of credit, or the end of a lease, may be what it waits for."""
    floor = Floor()
    attempt = floor.busy()
    floor.queue.add_query(ask("poison.com"))
    assert floor.queue.next_at(floor.budgets, floor.workers, NOW) == NOW
    assert floor.take() == []
    at = floor.queue.next_at(floor.budgets, floor.workers, NOW)
    assert at is not None
    assert at > NOW + 60

    floor.workers.finish_lease(attempt)
    assert floor.queue.next_at(floor.budgets, floor.workers, NOW) == NOW
    assert floor.take() == [("poison.com", "deep-0@h")]


def test_a_question_that_no_worker_knows_asks_for_no_tick_either() -> None:
    """A pool of another version, with places and without the method."""
    floor = Floor(Credit(VERSION, "deep-0@h", "b", "deep", "default", ("other",), 4, 4, 0))
    floor.queue.add_query(ask("a.com"))
    assert floor.take() == []
    at = floor.queue.next_at(floor.budgets, floor.workers, NOW)

    assert at is not None
    assert at > NOW + 60


def test_a_question_that_waits_for_its_token_is_looked_at_when_it_is_there() -> None:
    """Also with a suspicious name before it."""
    floor = Floor()
    floor.busy()
    slow = Limit("whois/slow", 0.5, 1, None)
    for domain in ("poison.com", "a.com", "b.com"):
        floor.queue.add_query(ask(domain, limit=slow))

    assert [domain for domain, _ in floor.take()] == ["a.com"]
    assert floor.queue.next_at(floor.budgets, floor.workers, NOW) == NOW + 2.0
    assert [domain for domain, _ in floor.take(NOW + 2.0)] == ["b.com"]


def test_what_a_worker_lost_leaves_from_another_egress_where_only_there_is_another() -> None:
    """The one that lost it comes last, in whatever order egresses are tried."""
    floor = Floor(credit(egress="a"), credit("deep-1@h", free=1, egress="b"))
    floor.queue.add_query(ask("lost.com", avoid="deep-0@h"))
    floor.budgets.available_tokens(PLENTY, "a", NOW - 10)
    floor.budgets.available_tokens(PLENTY, "b", NOW - 10)

    assert floor.take() == [("lost.com", "deep-1@h")]


def test_what_the_only_worker_lost_goes_to_it_again() -> None:
    """Nobody else can do it."""
    floor = Floor()
    floor.queue.add_query(ask("lost.com", avoid="deep-0@h"))

    assert floor.take() == [("lost.com", "deep-0@h")]


@pytest.fixture
def core() -> Coordinator:
    """A coordinator with a silent big worker and a small one in each pool."""
    core = World(callbacks=True).core
    rooms = core.rooms
    for pool in ("deep", "fast", "notifier"):
        rooms.workers.drop_left(f"{pool}-0@sim", rooms.workers._workers[f"{pool}-0@sim"].boot)
    for pool in ("deep", "fast", "notifier"):
        rooms.workers.note_credit(credit(f"{pool}-0@h", pool=pool, sweeps=9 if pool == "fast" else 0), NOW)
    rooms.effects.take_planned()
    return core


def second_workers(core: Coordinator, now: float) -> None:
    """Those there are speak again, and others come, with less room."""
    for pool in ("deep", "fast", "notifier"):
        places = (9, 2) if pool == "fast" else (0, 0)
        core.rooms.workers.note_credit(credit(f"{pool}-0@h", pool=pool, free=50, sweeps=places[0]), now)
        core.rooms.workers.note_credit(credit(f"{pool}-1@h", pool=pool, free=3, sweeps=places[1]), now)


def sent(core: Coordinator, now: float, kind: type) -> list[str]:
    """The workers that messages of this kind go to in a tick."""
    return [each.worker for each in core.handle(Tick(), now) if isinstance(each, Send) and isinstance(each.message, kind)]


def test_a_suspicious_question_leaves_after_a_while_although_no_worker_is_idle(core: Coordinator) -> None:
    """The coordinator forgets the suspicion by itself."""
    rooms = core.rooms
    for _ in range(3):
        rooms.poison.note_death(["poison.com"], alone=False, now=NOW)
    for now in (NOW, NOW + SUSPICION_MEMORY):
        rooms.workers.note_credit(credit(), now)
        worker = rooms.workers.choose_worker("deep")
        assert worker is not None
        rooms.workers.grant_lease(worker, ask("busy.com"), 60.0, now)
        if now == NOW:
            rooms.rate_limits.queue.add_query(ask("poison.com", queued=NOW + SUSPICION_MEMORY))
            assert sent(core, now, Tasks) == []

    assert sent(core, NOW + SUSPICION_MEMORY, Tasks) == ["deep-0@h"]


def test_a_question_whose_lease_ran_out_goes_to_another_worker_and_the_log_names_the_one_that_lost_it(
    core: Coordinator,
) -> None:
    """The worker speaks, and does not answer."""
    core.rooms.rate_limits.queue.add_query(ask("slow.com"))
    assert sent(core, NOW, Tasks) == ["deep-0@h"]
    later = NOW + 5.0 + GRACE
    second_workers(core, later)
    commands = core.handle(Tick(), later)

    assert [each.worker for each in commands if isinstance(each, Send)] == ["deep-1@h"]
    said = [each.fields for each in commands if isinstance(each, LogLine) and each.event == "leases_expired"]
    assert said == [{"worker": "deep-0@h", "leases": 1}]


def test_a_callback_whose_lease_ran_out_goes_to_another_notifier(core: Coordinator) -> None:
    """It may have been posted; by that notifier nobody was told."""
    core.rooms.deliveries.add_delivery(notice("n"))
    assert sent(core, NOW, Deliveries) == ["notifier-0@h"]
    later = NOW + 20.0 + GRACE
    second_workers(core, later)
    core.handle(Tick(), later)
    second_workers(core, later + 5)

    assert sent(core, later + 5, Deliveries) == ["notifier-1@h"]


def test_a_sweep_whose_lease_ran_out_goes_to_another_worker(core: Coordinator) -> None:
    """However many places the one that lost it offers."""
    board, limit = core.board, Limit("dns/com", 1000.0, 1000, None)
    names = [f"n{number}.com" for number in range(20)]
    rows = rooms.domains.table.add(names, ["com"] * len(names))
    rooms.domains.table.flags[rows] |= Flag.QUEUED
    rooms.rate_limits.budgets.available(limit, "default", NOW - 10)
    rooms.sweep_queues.again(Batch(rows, np.full(len(rows), NOW), "com", limit))
    assert sent(core, NOW, Sweep) == ["fast-0@h"]
    later = NOW + 100.0
    second_workers(core, later)

    assert sent(core, later, Sweep) == ["fast-1@h"]


def test_a_log_line_names_each_worker_that_fell_silent(core: Coordinator) -> None:
    """Two of them at the same time are two, and what one had does not make the other's name a suspect."""
    second_workers(core, NOW)
    core.rooms.rate_limits.budgets.available_tokens(PLENTY, "default", NOW - 10)
    for domain in ("a.com", "b.com"):
        core.rooms.rate_limits.queue.add_query(ask(domain))
    core.rooms.rate_limits.queue.add_query(ask("c.com", avoid="deep-0@h"))
    core.handle(Tick(), NOW)
    said = [each for each in core.handle(Tick(), NOW + 60.0) if isinstance(each, LogLine) and each.event == "worker_lost"]

    assert [each.fields for each in said] == [{"worker": "deep-0@h", "leases": 2}, {"worker": "deep-1@h", "leases": 1}]


class Counting(World):
    """A world that counts how often the loop wakes, events aside."""

    ticks = 0

    def event(self, event: Input) -> None:
        """Count it, and go on."""
        self.ticks += isinstance(event, Tick)
        super().event(event)

    def count(self, seconds: float) -> int:
        """Ticks of so many seconds."""
        before = self.ticks
        self.run(seconds)
        return self.ticks - before


@pytest.mark.parametrize("pool", ["fast", "intermediate", "deep"])
def test_a_pool_that_does_not_come_up_keeps_the_loop_from_nothing_else(pool: str) -> None:
    """Names are due, and visits do not begin yet."""
    world = Counting(interval=60.0)
    world.kill_worker(pool)
    world.run(0.1)
    world.watch(*INNOCENTS, priority=True)

    assert world.count(8.0) <= 16


@pytest.mark.parametrize("pool", ["intermediate", "deep"])
def test_questions_to_a_pool_without_workers_wait_without_ticks(pool: str) -> None:
    """Their tokens are there, no worker is."""
    world = Counting(interval=86_400.0)
    world.kill_worker(pool)
    world.run(11.0)
    for domain in INNOCENTS:
        asked = ask(domain, queued=world.now)
        asked.pool = pool
        world.core.rooms.rate_limits.queue.add_query(asked)

    assert world.count(10.0) <= 20
    assert len(world.core.rooms.rate_limits.queue) == len(INNOCENTS)


def test_names_that_wait_for_a_worker_that_sweeps_ask_for_no_tick() -> None:
    """Two thousand visits wait already: who is due without priority stays where it is, priority goes on."""
    world = World(interval=86_400.0)
    world.kill_worker("fast")
    world.run(40.0)
    board, many = world.core.rooms, MOST_WAITING
    table = rooms.domains.table
    rows = table.add([f"n{number}.com" for number in range(many + 2)], ["com"] * (many + 2))
    table.schedule.put_many(rows[many : many + 1], np.full(1, world.now - 5), np.zeros(1, np.bool_))
    assert board.due.next_at(world.now) == world.now - 5
    rooms.starts.admission.plan("com", rows[:many], np.full(many, world.now))
    assert board.due.next_at(world.now) == np.inf

    table.schedule.put_many(rows[many + 1 :], np.full(1, world.now - 1), np.ones(1, np.bool_))
    assert board.due.next_at(world.now) == world.now - 1


def test_visits_that_have_to_wait_are_looked_at_once_something_made_room() -> None:
    """A name put back, or a question that left its line; before that they cannot begin."""
    rooms = World().core.rooms
    rows = rooms.domains.table.add_names(["a.com"], ["com"])
    rooms.starts.admission.add_planned("com", rows, np.full(1, NOW))
    assert not visits.stuck(board)
    rooms.starts.admission.fetching.update({number: CheckRequest(number) for number in range(MOST_FETCHING)})
    board.starts.begin_waiting(NOW)
    assert visits.stuck(board)

    rooms.rate_limits.queue.add_query(ask("b.com"))
    rooms.rate_limits.queue.take_operator("whois/x")
    assert not visits.stuck(board)


def test_a_pool_that_comes_back_is_used_at_once() -> None:
    """Nobody waits for the next of the rare ticks."""
    world = World(interval=60.0)
    world.kill_worker("deep")
    world.run(20.0)
    world.core.rooms.rate_limits.queue.add_query(ask("a.com", queued=world.now))
    world.run(1.0)
    world.start_worker("deep")
    world.run(0.3)

    assert len(world.core.rooms.rate_limits.queue) == 0
