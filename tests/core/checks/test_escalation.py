"""What is asked next, how it waits for its turn, and when a name is looked at again."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.channels.channels import Channels
from common.core.checks.escalation import next_methods
from common.core.model.entry import Check, DropWindow, Entry, Rank
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.query_queue import LONGEST, QueryQueue
from common.core.schedule.cadence import FIRST_SPREAD, Cadence, first_check_times, next_check_at
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
BOTH = Channels(rdap=True, whois=True, wildcard=False)
MUTE_ZONE = Channels(rdap=True, whois=True, wildcard=False, resting=frozenset({"dns"}))
CADENCE = Cadence(3600.0, 60.0, 30.0, 2.0)
LIMIT = Limit("rdap/example", 1.0, 2, None)


def entry(state: State = State.REGISTERED, phase: Phase | None = Phase.ACTIVE, registry_age: float = 60.0) -> Entry:
    """A name whose registry record is that old."""
    made = Entry("example.com", "com", "example", state=state)
    made.detail.phase = phase.value if phase else None
    made.detail.registry_at = NOW - registry_age
    made.detail.expires_epoch = NOW + 200 * 86_400
    return made


def after(said: dict[str, Outcome]) -> Check:
    """A round in which these methods have answered."""
    return Check(NOW, asked=set(said), outcomes=dict(said))


@pytest.mark.parametrize(
    ("name", "current", "channels", "wanted"),
    [
        (entry(), Check(NOW), BOTH, ["dns"]),
        (entry(), after({"dns": Outcome.REGISTERED}), BOTH, []),
        (entry(registry_age=8 * 86_400), after({"dns": Outcome.REGISTERED}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNREGISTERED}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNKNOWN}), BOTH, ["http"]),
        (entry(), after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN}), BOTH, []),
        (entry(State.UNKNOWN, None), after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), BOTH, ["whois"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNKNOWN}), BOTH, ["whois"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.REGISTERED}), BOTH, []),
        (entry(State.PENDING_DELETE, Phase.PENDING_DELETE), Check(NOW), BOTH, ["rdap"]),
        (
            entry(State.PENDING_DELETE, Phase.PENDING_DELETE),
            after({"rdap": Outcome.UNREGISTERED}),
            BOTH,
            ["whois", "dns"],
        ),
        (entry(), Check(NOW, confirm=True), BOTH, ["dns", "rdap", "whois"]),
        (entry(), Check(NOW, confirm=True), MUTE_ZONE, ["rdap", "whois"]),
        (entry(), Check(NOW, confirm=True), Channels(False, False, False, frozenset({"dns"})), ["dns"]),
        (entry(), Check(NOW, manual=True), MUTE_ZONE, ["dns", "rdap", "whois"]),
        (entry(), Check(NOW), MUTE_ZONE, ["dns"]),
        (
            entry(State.PENDING_DELETE, Phase.PENDING_DELETE),
            after({"rdap": Outcome.UNREGISTERED}),
            MUTE_ZONE,
            ["whois"],
        ),
        (entry(), Check(NOW), Channels(rdap=False, whois=True, wildcard=True), ["whois"]),
        (entry(State.AVAILABLE, None), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), BOTH, ["whois"]),
    ],
)
def test_layers_are_climbed_only_as_far_as_the_evidence_asks(
    name: Entry, current: Check, channels: Channels, wanted: list[str]
) -> None:
    """Delegated names stop at one DNS question; a first positive makes everybody speak."""
    assert next_methods(name, current, channels, NOW) == wanted


def test_a_reservation_is_asked_about_again_after_a_day() -> None:
    """It can be lifted; until then one registry answer per visit is enough."""
    name = entry(State.RESERVED, None)
    reserved = Observation("whois", Reading(Outcome.RESERVED, "whois_reserved", "reserved"))
    round_ = after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED})
    name.detail.evidence["whois"] = Evidence(reserved, NOW - 3600, NOW - 3600)
    assert next_methods(name, round_, BOTH, NOW) == []

    name.detail.evidence["whois"] = Evidence(reserved, NOW - 90_000, NOW - 90_000)
    assert next_methods(name, round_, BOTH, NOW) == ["whois"]


def ask(rank: int, domain: str = "example.com", queued: float = NOW) -> Query:
    """A question at the registry."""
    return Query("rdap", "intermediate", domain, "com", "https://rdap.example/", LIMIT, rank, queued, 15.0)


def worker(workers: Workers, slots: int = 10) -> None:
    """A checker with free slots."""
    workers.note_credit(Credit(VERSION, "intermediate-0@h", "b", "intermediate", "default", ("rdap",), slots, slots, 0), NOW)


def test_the_most_urgent_question_gets_the_first_token() -> None:
    """Rank before age."""
    queue, workers, budgets = QueryQueue(), Workers("boot"), Budgets()
    worker(workers)
    for rank in (Rank.BACKGROUND, Rank.ORDINARY, Rank.URGENT, Rank.PRIORITY):
        queue.add_query(ask(rank, f"rank{rank}.com"))
    order = []
    for second in range(6):
        order += [item.rank for item, _ in queue.take(budgets, workers, PoisonDetector(), NOW + second)]

    assert order == [Rank.URGENT, Rank.PRIORITY, Rank.ORDINARY, Rank.BACKGROUND]


def test_no_question_leaves_without_token_and_worker() -> None:
    """Ten workers do not make the bucket fuller."""
    queue, workers, budgets = QueryQueue(), Workers("boot"), Budgets()
    queue.add_query(ask(Rank.ORDINARY, "a.com"))
    queue.add_query(ask(Rank.ORDINARY, "b.com"))
    assert list(queue.take(budgets, workers, PoisonDetector(), NOW)) == []

    for number in range(10):
        name = f"intermediate-{number}@h"
        workers.note_credit(Credit(VERSION, name, "b", "intermediate", "default", ("rdap",), 4, 4, 0), NOW)
    assert [item.domain for item, _ in queue.take(budgets, workers, PoisonDetector(), NOW)] == ["a.com"]
    assert len(queue) == 1


def test_the_next_look_at_the_lines_is_due_when_a_token_is() -> None:
    """Without a free worker it is due when the first has waited too long; a worker's credit brings a look by itself."""
    queue, workers, budgets = QueryQueue(), Workers("boot"), Budgets()
    assert queue.next_at(budgets, workers, NOW) is None
    queue.add_query(ask(Rank.ORDINARY, "a.com"))
    queue.add_query(ask(Rank.ORDINARY, "b.com"))
    assert queue.next_at(budgets, workers, NOW) == NOW + LONGEST[Rank.ORDINARY]

    worker(workers)
    assert queue.next_at(budgets, workers, NOW) == NOW
    assert len(list(queue.take(budgets, workers, PoisonDetector(), NOW))) == 1
    assert queue.next_at(budgets, workers, NOW) == NOW + 1 / LIMIT.rate


def test_a_long_line_turns_nice_to_have_questions_away_but_never_urgent_ones() -> None:
    """The name goes back to its schedule instead of waiting for hours."""
    queue, budgets = QueryQueue(), Budgets()
    for number in range(2000):
        queue.add_query(ask(Rank.BACKGROUND, f"n{number}.com"))

    assert not queue.admits_query(LIMIT, Rank.BACKGROUND, budgets, ["default"], NOW)
    assert queue.admits_query(LIMIT, Rank.ORDINARY, budgets, ["default"], NOW)
    assert queue.admits_query(LIMIT, Rank.URGENT, budgets, ["default"], NOW)
    assert not queue.admits_query(LIMIT, Rank.URGENT, budgets, [], NOW)


def test_everybody_can_be_sent_home() -> None:
    """An operator that shut us out, or a pool that is gone, leaves nobody waiting."""
    queue = QueryQueue()
    queue.add_query(ask(Rank.ORDINARY, "old.com", NOW - 60))
    queue.add_query(ask(Rank.ORDINARY, "new.com", NOW))

    assert [item.domain for item in queue.take_pool("intermediate", NOW - 15)] == ["old.com"]
    assert [item.domain for item in queue.take_operator("rdap/example")] == ["new.com"]
    assert len(queue) == 0


def test_a_positive_is_confirmed_after_exactly_the_gap() -> None:
    """No jitter there: the customer waits."""
    name = entry(State.PENDING_DELETE, Phase.PENDING_DELETE)
    assert next_check_at(name, CADENCE, NOW, confirming=True, inconclusive=False) == NOW + 30
    name.priority = True
    assert next_check_at(name, CADENCE, NOW, confirming=True, inconclusive=False) == NOW + 2


def test_blind_rounds_come_back_soon_then_ever_more_rarely() -> None:
    """An outage is retried without a storm, never later than the base cadence by far."""
    name, waits = entry(), []
    for rounds in range(1, 15):
        name.detail.unknown_rounds = rounds
        waits.append(next_check_at(name, CADENCE, NOW, confirming=False, inconclusive=True) - NOW)

    assert waits[0] < 20
    assert max(waits) <= 3600 * 1.2


def test_the_window_of_a_forecast_is_watched_closely() -> None:
    """Inside it every minute, and never asleep when it opens."""
    name = entry(State.PENDING_DELETE, Phase.PENDING_DELETE)
    name.drop = DropWindow(NOW - 100, NOW, NOW + 3600, 0.95)
    assert next_check_at(name, CADENCE, NOW, confirming=False, inconclusive=False) <= NOW + 72
    name.drop = DropWindow(NOW + 600, NOW + 900, NOW + 1200, 0.95)
    assert next_check_at(name, CADENCE, NOW, confirming=False, inconclusive=False) <= NOW + 600


def test_first_looks_are_spread_and_priority_names_go_first() -> None:
    """A big list does not hit the registries in one second."""
    rows, urgent = np.arange(200), np.arange(200) == 150
    times = first_check_times(rows, urgent, CADENCE, NOW)

    assert FIRST_SPREAD / 2 < times.max() - times.min() <= FIRST_SPREAD
    assert times[150] == NOW
    assert len(set(times.tolist())) == 200
