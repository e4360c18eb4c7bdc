"""The evidence ledger in the course of drops, lies and random histories: what is kept is enough to decide again."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.codec import convert, decode_map
from common.core.audit.ledger import LedgerEntry, replay_verdict
from common.core.coordinator.inputs import Draining
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.records import Changes, LedgerRow
from common.core.model.states import State
from common.core.verdict import gates
from common.core.verdict.rules_version import rules_version
from tests.sim.truth import Name
from tests.sim.world import START, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NO_OBJECT = {"rdap": "rdap_404_json", "whois": "whois_free", "dns": "dns_auth_nxdomain"}
SERVERS = {"dns": "com", "rdap": "rdap.com.test", "whois": "whois.com.test"}


def entries(world: World, domain: str | None = None) -> list[LedgerEntry]:
    """What was written, as it comes out of the store."""
    return [read(row) for row in world.stored.ledger if domain in (None, row.domain)]


def read(row: LedgerRow) -> LedgerEntry:
    """One row's entry."""
    return convert(decode_map(row.body), LedgerEntry)


def dropped() -> World:
    """A name that is purged and caught."""
    world = World(interval=60.0, priority=2.0)
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None), (world.now + 60, Phase.ACTIVE)])
    world.watch("gone.com", priority=True)
    world.run(120)
    return world


def no_object(method: str) -> Observation:
    """A "not found" of a .com server."""
    return Observation(method, Reading(Outcome.UNREGISTERED, NO_OBJECT[method], "not found"), SERVERS[method])


def test_every_step_of_a_drop_is_kept_and_comes_out_the_same() -> None:
    """First check, both passes, the alarm once the canaries had answered, the catch: each decided again alike."""
    found = entries(dropped())

    assert [(entry.kind, entry.before, entry.verdict.state, entry.told) for entry in found] == [
        ("decision", State.UNKNOWN, State.PENDING_DELETE, "pending_delete"),
        ("pass", State.PENDING_DELETE, State.PENDING_DELETE, None),
        ("pass", State.PENDING_DELETE, State.PENDING_DELETE, None),
        ("decision", State.PENDING_DELETE, State.AVAILABLE, "available"),
        ("decision", State.AVAILABLE, State.REGISTERED, "registered"),
    ]
    assert all(replay_verdict(entry) == entry.verdict for entry in found)
    alarm = found[3]
    assert set(alarm.evidence) == {"dns", "rdap", "whois"}
    assert set(alarm.canaries) >= {"rdap", "whois"}
    assert all(row.registered_ok >= alarm.evidence[method].at for method, row in alarm.canaries.items())
    assert len(alarm.situation.passes) == 2
    assert alarm.rules == rules_version()


def test_a_decision_lands_in_the_transaction_of_its_state_event_and_delivery() -> None:
    """No crash can leave an alarm without its evidence."""
    commits: list[Changes] = []

    class Watched(World):
        def _commit(self, changes: Any) -> None:
            commits.append(changes)
            super()._commit(changes)

    world = Watched(interval=60.0, priority=2.0)
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None)])
    world.watch("gone.com", priority=True)
    world.run(60)
    told = [changes for changes in commits if changes.events]

    assert len(told) == 2
    for changes in told:
        (event,) = changes.events
        assert [read(row).told for row in changes.ledger] == [event.kind]
        assert read(changes.ledger[0]).generation == event.generation
        assert [row.id for row in changes.deliveries] == [event.id]
        assert {row.name: row.state for row in changes.domains}["gone.com"] == changes.ledger[0].state


def test_an_entry_keeps_all_that_an_answer_came_with() -> None:
    """Method, server, address, time, status, serial or database time, hash and copy of the answer survive."""
    world = World(interval=60.0, priority=2.0)
    record = Reading(
        Outcome.REGISTERED,
        "rdap_200_match",
        "found",
        Phase.EXPIRED_GRACE,
        Fields(registrar="R", handle="H-1"),
        fresh_at=START - 5,
    )
    answers = {
        "rdap": Observation("rdap", record, "rdap.com.test", "192.0.2.1:443/tcp", 12.5, 200, "ab" * 32, '{"ldhName":"X"}'),
        "dns": Observation(
            "dns",
            Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated", serial=77, fresh_at=START - 9),
            "com",
            "[2001:db8::1]:53/udp",
            status=0,
            digest="cd" * 32,
            excerpt="NOERROR\nauthority held.com NS",
        ),
    }
    world.lie = lambda method, domain, _now: answers.get(method) if domain == "held.com" else None
    world.watch("held.com", priority=True)
    world.run(30)
    first, entry = sorted(entries(world), key=lambda entry: entry.at)

    assert {method: item.observation for method, item in first.evidence.items()} == {"dns": answers["dns"]}
    assert {method: item.observation for method, item in entry.evidence.items()} == answers
    assert all(START < item.at <= entry.at for item in entry.evidence.values())


def test_a_list_on_which_nothing_happens_leaves_one_entry_a_name() -> None:
    """Checks that change nothing are not recorded, whatever their number; the coordinator holds none after the commit."""
    world = World(interval=300.0)
    world.watch(*(f"name{number}.com" for number in range(20)))
    world.run(3600)

    assert Counter(row.domain for row in world.stored.ledger) == {f"name{number}.com": 1 for number in range(20)}
    world.event(Draining())
    world.run(2.0)
    assert world.core.rooms.domains.journal.is_settled()


def test_a_name_that_stays_free_stops_filling_the_ledger() -> None:
    """Passes are recorded while they still add to the odds, not with every check of a name without an object."""
    world = World(interval=60.0, priority=60.0)
    world.names["free.com"] = Name([(0.0, None)])
    world.names["kept.com"] = Name([(0.0, None)], reserved=True)
    world.watch("free.com", "kept.com", priority=True)
    world.run(3600)
    counted = Counter(row.domain for row in world.stored.ledger)

    assert 3 <= counted["free.com"] <= 14
    assert 1 <= counted["kept.com"] <= 14


def test_a_lying_server_leaves_what_it_had_said() -> None:
    """Evidence that was dropped is kept in the ledger with the reason, apart from what the verdict stands on."""
    world = World(interval=60.0, priority=2.0)
    world.names["held.com"] = Name([(0.0, Phase.UNDELEGATED)])
    world.watch("held.com", priority=True)
    world.run(60)
    world.lie = lambda method, _domain, _now: no_object("rdap") if method == "rdap" else None
    world.order("check", "held.com")
    world.run(600)
    lies = [entry for entry in entries(world, "held.com") if entry.kind == "canary_lie"]

    assert lies
    assert set(lies[0].voided) == {"rdap"}
    assert "rdap" not in lies[0].evidence
    assert "rdap.com.test does not find" in lies[0].why
    assert all(replay_verdict(entry) == entry.verdict for entry in lies)


def test_a_registered_answer_that_ends_a_run_of_passes_is_kept() -> None:
    """Otherwise it could not be told later that those passes had been wrong."""
    world = World(interval=60.0, priority=2.0)
    world.names["back.com"] = Name([(0.0, Phase.PENDING_DELETE)])
    world.watch("back.com", priority=True)
    world.run(10)
    until = world.now + 6

    def lie(method: str, domain: str, now: float) -> Observation | None:
        if domain == "known.com":
            return Observation(method, unknown_reading(f"{method}_timeout", "silence"))  # no canary: the gates stay closed
        return no_object(method) if method in ("rdap", "whois") and now < until else None

    world.lie = lie
    world.run(30)
    kinds = [entry.kind for entry in entries(world, "back.com")]

    assert kinds[0] == "decision"
    assert "contradicted" in kinds
    assert kinds.index("pass") < kinds.index("contradicted")


def random_history(seed: int) -> World:
    """Names with random lives, servers that fall silent or lie for a while, lost messages and killed workers."""
    rng = Random(seed)
    world = World(seed=seed, interval=rng.choice((20.0, 60.0)), priority=2.0)
    world.loss = rng.choice((0.0, 0.0, 0.05))
    for number in range(4):
        at, changes = 0.0, []
        for _ in range(rng.randrange(1, 5)):
            changes.append((at, rng.choice((*Phase, None, None))))
            at = max(at, world.now) + rng.uniform(5, 90)
        name = f"name{number}.{rng.choice(('com', 'org', 'se'))}"
        world.names[name] = Name(changes, reserved=rng.random() < 0.2)
        world.watch(name, priority=rng.random() < 0.7)
    moods = [(rng.choice(tuple(NO_OBJECT)), world.now + rng.uniform(0, 200), rng.choice(("silent", "free"))) for _ in range(3)]

    def lie(method: str, domain: str, now: float) -> Observation | None:
        for lying, begin, mood in moods:
            if lying == method and begin <= now < begin + 20:
                server = {"dns": "com"}.get(method, f"{method}.{domain.rpartition('.')[2]}.test")
                reading = unknown_reading(f"{method}_timeout", "silence")
                said = reading if mood == "silent" else Reading(Outcome.UNREGISTERED, NO_OBJECT[method], "not found")
                return Observation(method, said, server)
        return None

    world.lie = lie
    for _ in range(5):
        world.run(rng.uniform(10, 70))
        if rng.random() < 0.3:
            pool = rng.choice(("fast", "intermediate", "deep"))
            world.kill_worker(pool)
            world.run(2.0)
            world.start_worker(pool)
    world.event(Draining())  # nothing more is asked; what was decided is written
    world.run(2.0)
    return world


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32))
def test_any_decision_of_any_history_is_reproduced(seed: int) -> None:
    """Every recorded verdict follows from its entry alone, gates and brackets included, and none is missing."""
    world = random_history(seed)
    found = entries(world)

    for entry in found:
        assert replay_verdict(entry) == entry.verdict
        assert entry.situation.gates == again_open(entry)
    for name, row in ((name, world.entry(name)) for name in world.watched()):
        changes = [entry for entry in entries(world, name) if entry.before is not entry.verdict.state]
        states = [State.UNKNOWN, *(entry.verdict.state for entry in changes)]
        assert [entry.before for entry in changes] == states[:-1]
        assert row.state is states[-1]


def again_open(entry: LedgerEntry) -> tuple[str, ...]:
    """The gates, worked out from the recorded canaries."""

    def bracketed(method: str, item: Any) -> bool:
        row = entry.canaries.get(method)
        return row is not None and gates.is_server_proven(row, item.at, entry.needs, entry.at)

    known = entry.situation
    run = gates.Run(known.passes, known.verified, entry.contradicted_at)
    return gates.find_standing(entry.evidence, entry.needs, run, bracketed, entry.at).open
