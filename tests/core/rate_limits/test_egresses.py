"""From which egress a question leaves: what is to confirm an answer from another one than that answer, where one is ready."""

from __future__ import annotations

import pytest

from common.core.model.entry import Entry, Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import QueryQueue
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit, Tasks
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import SuffixModel
from tests.sim.worker import SimWorker
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NOW = 20_718 * DAY
LIMIT = Limit("whois/example", 1.0, 1)


def workers(**free: int) -> Workers:
    """A worker for each egress, with so many free slots."""
    made = Workers("boot")
    for egress, slots in free.items():
        made.note_credit(Credit(VERSION, f"deep-0@{egress}", "b", "deep", egress, ("whois",), 9, slots, 0), NOW)
    return made


def ask(asked_from: str | None, *, confirm: bool = True) -> Query:
    """A question about a name whose last one left from this egress."""
    entry = Entry("a.com", "com", "a", asked_from={"whois": asked_from} if asked_from is not None else {})
    return Query(
        method="whois",
        pool="deep",
        domain="a.com",
        suffix="com",
        server="whois.example",
        limit=LIMIT,
        rank=Rank.URGENT,
        queued=NOW,
        budget=20.0,
        entry=entry,
        confirm=confirm,
    )


def leaves_from(question: Query, there: Workers, budgets: Budgets | None = None) -> list[str]:
    """The egress that a question leaves from, if it does."""
    queue = QueryQueue()
    queue.add_query(question)
    return [worker.egress for _, worker in queue.take_ready(budgets or Budgets(), there, PoisonDetector(), NOW)]


def test_what_is_to_confirm_leaves_from_another_egress() -> None:
    """Whichever asked last, and always the same of several others."""
    assert leaves_from(ask("a"), workers(a=9, b=9, c=9)) == ["b"]
    assert leaves_from(ask("b"), workers(a=9, b=9, c=9)) == ["a"]


def test_a_single_egress_confirms_its_own_answers() -> None:
    """Better than to wait for another one."""
    assert leaves_from(ask("a"), workers(a=9)) == ["a"]


def test_an_egress_without_a_free_worker_or_a_token_is_not_waited_for() -> None:
    """The one that asked last has both."""
    spent = Budgets()
    spent.take_token(LIMIT, "b", NOW)

    assert leaves_from(ask("a"), workers(a=9, b=0)) == ["a"]
    assert leaves_from(ask("a"), workers(a=9, b=9), spent) == ["a"]


def test_only_what_is_to_confirm_minds_the_egress() -> None:
    """Other questions, and those about names never asked about, leave from the first."""
    assert leaves_from(ask("a", confirm=False), workers(a=9, b=9)) == ["a"]
    assert leaves_from(ask(None), workers(a=9, b=9)) == ["a"]


class Watched(RegistryWorld):
    """A world that keeps which worker was asked for which method about a name that is gone."""

    seen: list[tuple[str, str]]

    def _arrive(self, name: str, boot: str, message: object) -> None:
        if isinstance(message, Tasks):
            self.seen += [(name, task.method) for task in message.tasks if task.domain == "gone.com"]
        super()._arrive(name, boot, message)  # type: ignore[arg-type]


def test_the_second_pass_of_a_drop_leaves_from_the_other_egress() -> None:
    """Of each registry method, where two hosts have workers."""
    world = Watched([SuffixModel("com")], priority=20.0)
    world.seen = []
    for pool in ("intermediate", "deep"):
        world.workers[f"{pool}-0@b"] = SimWorker(f"{pool}-0@b", pool, "second", egress="b")
    world.live("gone.com", Life([(0.0, None)]), priority=True)
    world.run_until(lambda: bool(world.notices_of("gone.com")), START + 300, 5)

    for method, pool in (("rdap", "intermediate"), ("whois", "deep")):
        asked = [name for name, about in world.seen if about == method]
        assert set(asked[:2]) == {f"{pool}-0@sim", f"{pool}-0@b"}
