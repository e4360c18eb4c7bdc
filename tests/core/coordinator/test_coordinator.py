"""The coordinator by its inputs and effects alone: what each input brings, and when the next tick is needed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from common.core.checks.admission import CheckRequest
from common.core.coordinator.coordinator import STATUS_EVERY, STATUS_FIRST, WARM_UP, Coordinator
from common.core.coordinator.inputs import (
    CommitDelayed,
    Committed,
    DirectoryChanged,
    Draining,
    ListChunkRead,
    ListEnd,
    ListFailed,
    ListRead,
    ListSame,
    Measure,
    Measured,
    MessageArrived,
    Restored,
    RowsHandedOver,
    StoreSpooled,
    Tick,
)
from common.core.domains.domain_table import Flag
from common.core.domains.journal import SpoolState
from common.core.model.effects import Commit, Effect, FetchDetails, Publish, Send, TakeList
from common.core.model.records import DeliveryRow, Detail, EventRow, HandedOver
from common.core.model.stored_state import StoredState
from common.core.rate_limits.saved import Saved, encode_saved
from common.core.registries.directory import Directory
from common.core.registries.sources import Source
from common.core.telemetry.metrics import snapshot_rows
from common.core.watchlist.domain_list import ListBuilder
from common.core.watchlist.list_diff import summarise_small_list
from common.messages import Deliveries, Results, Sweep, Tasks
from tests.core.coordinator.cores import NOW, connect, credit, new_core, policy_of, sent_to, watch


def take_list(core: Coordinator, *names: str, now: float = NOW) -> None:
    """Take over the list of these names."""
    builder = ListBuilder(lambda name: name.rpartition(".")[2])
    for name in names:
        builder.add_entry(name)
    summary, chunks = summarise_small_list(builder.build_list(), lambda name: name.rpartition(".")[2], ())
    assert TakeList() in core.handle(ListRead(summary, "list.txt"), now)
    for chunk in chunks:
        core.handle(ListChunkRead(chunk), now)
    core.handle(ListEnd(), now)


def statuses(effects: list[Effect]) -> list[Publish]:
    """The status maps among these effects."""
    return [effect for effect in effects if isinstance(effect, Publish) and effect.topic.startswith("system.coordinator")]


def work(core: Coordinator, now: float) -> list[Effect]:
    """The effects of two ticks: a budget that is new at the first has its tokens at the second."""
    return [*core.handle(Tick(), now), *core.handle(Tick(), now + 0.9)]


def running() -> Coordinator:
    """A coordinator with a worker of every pool and a few names, past its warm-up."""
    core = new_core()
    connect(core.rooms, NOW + WARM_UP)
    core.rooms.registries.wildcards.start_measuring("com", NOW)
    core.rooms.registries.wildcards.note_measured("com", wildcard=False)
    take_list(core, *(f"n{number}.com" for number in range(20)))
    return core


def test_names_of_a_list_are_watched_and_queried() -> None:
    """Twenty of them by one sweep."""
    core = running()
    effects = work(core, NOW + WARM_UP + 5)

    assert core.watched_count == 20
    assert sent_to(effects, Sweep) == ["fast-0@h"]
    assert core.lease_count >= 1
    assert core.count_unwritten() == 20


def test_a_list_that_fails_or_is_unchanged_is_noted() -> None:
    """The names stay watched."""
    core = running()
    core.handle(ListFailed("list.txt: gone", "list.txt"), NOW + 20)
    assert core.rooms.intake.state.error == "list.txt: gone"
    core.handle(ListSame("list.txt"), NOW + 30)

    assert core.rooms.intake.state.error is None
    assert core.watched_count == 20


def test_no_check_begins_before_every_pool_has_a_worker_or_had_time_to_start_one() -> None:
    """The first checks would otherwise miss their registry."""
    core = new_core()
    core.rooms.workers.note_credit(credit("fast"), NOW)
    take_list(core, "a.com")
    assert sent_to(core.handle(Tick(), NOW + 6), Tasks) == []
    core.rooms.workers.note_credit(credit("fast"), NOW + WARM_UP + 1)

    assert sent_to(core.handle(Tick(), NOW + WARM_UP + 1), Tasks) == ["fast-0@h"]


def test_while_transactions_are_spooled_names_that_are_loaded_stay_and_others_wait_to_be_read() -> None:
    """What is read would be older than what is spooled; when that is written all is as before."""
    core = new_core()
    rooms = core.rooms
    connect(rooms, NOW + WARM_UP)
    watch(rooms, "a.com", "b.com", at=NOW + 1e6)
    loaded, stored = rooms.domains.load_name(0, Detail(), NOW), 1
    rooms.domains.table.set_flags(np.array([stored]), Flag.DETAILED, on=True)
    for waiting in (1, 2):
        core.handle(StoreSpooled(SpoolState("away", waiting, NOW)), NOW + WARM_UP)
        assert rooms.domains.journal.spool == SpoolState("away", waiting, NOW)
    rooms.starts.request_check(CheckRequest(stored))
    effects = core.handle(Tick(), NOW + WARM_UP + 10)
    assert [effect for effect in effects if isinstance(effect, FetchDetails)] == []
    assert rooms.domains.working_set.loaded[0] is loaded
    effects = core.handle(StoreSpooled(None), NOW + WARM_UP + 11) + core.handle(Tick(), NOW + WARM_UP + 12)
    assert [effect.ids for effect in effects if isinstance(effect, FetchDetails)] == [(stored,)]
    assert 0 not in rooms.domains.working_set.loaded


def test_what_another_instance_decided_is_recorded_and_told_and_leaves_the_name_as_it_is() -> None:
    """With a number of our own; what was told already is recorded as done, and all that was read is removed."""
    core = running()
    rooms = core.rooms
    connect(rooms, NOW + WARM_UP)
    rooms.workers.note_credit(credit("notifier"), NOW + WARM_UP)
    journal, before = rooms.domains.journal, rooms.domains.table.state.copy()
    journal.next_seq = 50
    events = [EventRow(seq, f"id-{seq}", f"n{seq}.com", 1, "available", 1.0, b"{}") for seq in (3, 4)]
    waits = DeliveryRow("id-3", "notice", "n3.com", 3, b"{}", attempts=4, first_at=1.0)
    done = DeliveryRow("id-4", "notice", "n4.com", 4, b"{}", state="done", done_at=2.0)
    effects = core.handle(RowsHandedOver(HandedOver(["a", "b"], events, [waits, done])), NOW + WARM_UP + 1)
    effects += core.handle(Tick(), NOW + WARM_UP + 1)
    changes = next(effect.changes for effect in effects if isinstance(effect, Commit))
    while not changes.taken:
        changes = next(e.changes for e in core.handle(Committed(), NOW + WARM_UP + 1) if isinstance(e, Commit))
    assert [(row.seq, row.id) for row in changes.events] == [(50, "id-3"), (51, "id-4")]
    assert [(row.id, row.state, row.attempts) for row in changes.deliveries] == [("id-3", "pending", 0), ("id-4", "done", 0)]
    assert changes.taken == ["a", "b"]
    effects = core.handle(Committed(), NOW + WARM_UP + 2)
    sent = [
        d.event_id for e in effects if isinstance(e, Send) and isinstance(e.message, Deliveries) for d in e.message.deliveries
    ]
    assert sent == ["id-3"]
    assert (rooms.domains.table.state == before).all()


def test_a_draining_coordinator_hands_out_nothing_and_becomes_durable() -> None:
    """What changed is committed; then it is settled."""
    core = running()
    core.handle(Draining(), NOW + WARM_UP + 6)
    effects = core.handle(Tick(), NOW + WARM_UP + 7)
    while any(isinstance(effect, Commit) for effect in effects):
        effects = core.handle(Committed(), NOW + WARM_UP + 8)

    assert core.lease_count == 0
    assert core.is_settled()


def test_checks_wait_while_nothing_can_be_written() -> None:
    """What they find could not be kept."""
    core = running()
    core.handle(CommitDelayed("the disk is full"), NOW + WARM_UP)
    assert not core.rooms.domains.journal.is_away
    core.handle(CommitDelayed("no server", away=True), NOW + WARM_UP)
    assert core.rooms.domains.journal.is_away
    assert sent_to(work(core, NOW + WARM_UP + 3), Sweep) == []

    core.handle(Tick(), NOW + WARM_UP + 4)
    core.handle(Committed(), NOW + WARM_UP + 4)
    assert sent_to(work(core, NOW + WARM_UP + 5), Sweep) == ["fast-0@h"]


def test_at_most_one_transaction_is_under_way() -> None:
    """The next begins when the last is durable."""
    core = running()
    effects = [*core.handle(Tick(), NOW + 1), *core.handle(Tick(), NOW + 2)]
    assert sum(isinstance(effect, Commit) for effect in effects) == 1


def test_the_status_is_published_often_while_the_processes_come_up_and_rarely_later() -> None:
    """A subscriber that has just connected need not wait."""
    core = new_core()
    assert len(statuses(core.handle(Tick(), NOW))) == 1
    assert len(statuses(core.handle(Tick(), NOW + STATUS_FIRST / 2))) == 0
    assert len(statuses(core.handle(Tick(), NOW + STATUS_FIRST))) == 1
    later = NOW + 100
    core.handle(Tick(), later)
    assert len(statuses(core.handle(Tick(), later + STATUS_FIRST))) == 0
    assert len(statuses(core.handle(Tick(), later + STATUS_EVERY))) == 1


def test_the_next_tick_is_needed_within_a_second_and_never_at_once() -> None:
    """A name that is due needs one as soon as may be."""
    core = new_core()
    core.handle(Tick(), NOW)
    assert core.next_wake(NOW) == NOW + 1.0
    connect(core.rooms, NOW)
    watch(core.rooms, "a.com", at=NOW)

    assert core.next_wake(NOW) == NOW + 0.02


@pytest.mark.parametrize("kind", list(Measure))
def test_measurements_of_the_host_are_kept(kind: Measure) -> None:
    """As a count, a timer or a gauge."""
    core = new_core()
    core.handle(Measured(kind, "loop_lag" if kind is not Measure.COUNT else "loops", 0.5, {}), NOW)
    snapshot = core.rooms.telemetry.metrics.snapshot()
    found = {name for part in ("counters", "timers", "gauges") for name, _, _ in snapshot_rows(snapshot, part)}

    assert found & {"loop_lag", "loops"}


def test_a_newer_directory_replaces_the_servers() -> None:
    """Queries go to them from now on."""
    core = new_core()
    core.handle(DirectoryChanged(Directory(own={"com": ("https://new.test/",)})), NOW)

    assert core.rooms.registries.server_of("rdap", "com") == "https://new.test/"
    assert core.directory.rdap_server("com") is not None


def test_a_start_takes_over_what_was_learned() -> None:
    """Sequence numbers go on, and a wildcard zone is known."""
    core = new_core()
    state = StoredState(
        names=iter(()), looks=iter(()), addresses={}, next_seq=77, trust=[], deliveries=iter(()),
        meta={"wildcards": "ws,com"}, problems=[],
    )  # fmt: skip
    core.handle(Restored(state), NOW)

    assert core.rooms.domains.journal.next_seq == 77
    assert core.rooms.registries.wildcards.is_wildcard("com")


def test_a_start_with_another_key_forgets_the_refusal_and_stores_both() -> None:
    """In one transaction: a kill in between would leave the pause with the new key."""
    source = Source(method="registrar:gandi", url="https://api.test", credentials="new")
    core = new_core(dataclasses.replace(policy_of(limits={}), sources=(source,)))
    state = StoredState(
        names=iter(()), looks=iter(()), addresses={}, next_seq=1, trust=[], deliveries=iter(()), problems=[],
        meta={
            "budgets": encode_saved({"registrar/gandi|a": Saved(NOW + 900, 0.5, "forbidden: our key is refused")}),
            "credentials": '{"registrar/gandi": "old"}',
        },
    )  # fmt: skip
    core.handle(Restored(state), NOW)
    (commit,) = [effect for effect in core.handle(Tick(), NOW + 1) if isinstance(effect, Commit)]

    assert (commit.changes.meta["budgets"], commit.changes.meta["credentials"]) == ("{}", '{"registrar/gandi":"new"}')


def test_the_same_inputs_have_the_same_effects() -> None:
    """Nothing depends on anything but the inputs."""

    def effects_of() -> list[str]:
        core = running()
        seen = []
        for second in range(20):
            seen += [type(effect).__name__ for effect in core.handle(Tick(), NOW + WARM_UP + second)]
            core.handle(MessageArrived(Results(credit("fast"), ())), NOW + WARM_UP + second)
        return seen

    assert effects_of() == effects_of()
