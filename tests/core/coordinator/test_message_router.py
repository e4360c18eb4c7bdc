"""Messages of the bus: which are taken, which are refused, and what each command does."""

from __future__ import annotations

from common.core.coordinator.message_router import MessageRouter
from common.core.coordinator.wiring import Rooms
from common.core.model.effects import FetchDelivery, ReloadList, Send
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.telemetry.metrics import snapshot_rows
from common.messages import VERSION, Bye, ByeAck, Command, DeliveryResult, DeliveryResults, Result, Results, SweepResult
from tests.core.coordinator.cores import NOW, connect, credit, logged, new_rooms, watch

DENIED = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com")


def counted(rooms: Rooms, counter: str) -> float:
    """The value of a counter, over all labels."""
    return sum(count for name, _, count in snapshot_rows(rooms.telemetry.metrics.snapshot(), "counters") if name == counter)


def command(rooms: Rooms, verb: str, target: str = "") -> None:
    """Give a command of the control interface."""
    MessageRouter(rooms).route_message(Command(verb, target, "test"), NOW)


def test_credit_makes_a_worker_known() -> None:
    """Also the credit that comes with results."""
    rooms = new_rooms()
    router = MessageRouter(rooms)
    router.route_message(credit("fast"), NOW)
    router.route_message(Results(credit("deep"), ()), NOW)

    assert rooms.workers.egresses_of("fast") == rooms.workers.egresses_of("deep") == ["default"]


def test_a_worker_of_another_version_is_refused_and_logged_once() -> None:
    """A fleet of them does not fill the log."""
    rooms = new_rooms()
    router = MessageRouter(rooms)
    for number in range(3):
        router.route_message(credit("fast", number, version=VERSION + 1), NOW)

    assert rooms.workers.egresses_of("fast") == []
    assert counted(rooms, "workers_refused") == 3
    assert len(logged(rooms.effects.take_planned(), "worker_refused")) == 1


def test_a_message_that_its_sender_may_not_send_is_counted() -> None:
    """It decides nothing."""
    rooms = new_rooms()
    MessageRouter(rooms).route_message(None, NOW)

    assert counted(rooms, "bad_messages") == 1


def test_results_without_a_lease_are_counted_as_late() -> None:
    """Of queries, sweeps and callbacks alike."""
    rooms = new_rooms()
    router = MessageRouter(rooms)
    router.route_message(Results(credit("fast"), (Result("boot.1", DENIED),)), NOW)
    router.route_message(SweepResult(credit("fast"), "boot.2"), NOW)
    router.route_message(DeliveryResults(credit("notifier"), (DeliveryResult("boot.3", 200),)), NOW)

    assert counted(rooms, "late_results") >= 2


def test_a_worker_that_drains_is_told_the_last_sequence_sent_to_it() -> None:
    """A start that is unknown is told nothing."""
    rooms = new_rooms()
    router = MessageRouter(rooms)
    router.route_message(credit("fast"), NOW)
    router.route_message(Bye("fast-0@h", "b"), NOW)
    router.route_message(Bye("fast-0@h", "another boot"), NOW)

    assert [effect for effect in rooms.effects.take_planned() if isinstance(effect, Send)] == [Send("fast-0@h", "b", ByeAck(0))]


def test_commands_of_the_control_interface() -> None:
    """Each is logged; an unknown one does nothing else."""
    rooms = new_rooms()
    connect(rooms)
    (name_id,) = watch(rooms, "a.com").tolist()
    command(rooms, "check", "a.com")
    assert rooms.domains.stages.is_admitted(name_id)
    command(rooms, "refresh")
    command(rooms, "replay", "id-1")
    command(rooms, "reset_budget", "rdap/rdap.com.test")
    command(rooms, "reset_metrics")
    command(rooms, "explode")
    effects = rooms.effects.take_planned()

    assert ReloadList() in effects
    assert FetchDelivery("id-1") in effects
    assert logged(effects, "budget_reset") == [{"operator": "rdap/rdap.com.test", "known": False}]
    assert logged(effects, "unknown_command") == [{"verb": "explode"}]
    assert len(logged(effects, "command")) == 6
