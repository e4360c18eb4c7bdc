"""Routes messages of the bus: credit and answers of workers, commands of the control interface."""

from __future__ import annotations

from common.core.coordinator.wiring import Rooms
from common.core.model.effects import FetchDelivery, ReloadList, Send
from common.core.telemetry.repeats import Repeats
from common.messages import (
    VERSION,
    Bye,
    ByeAck,
    Command,
    Credit,
    DeliveryResults,
    PublicationPart,
    PublicationStatus,
    Results,
    SweepDetails,
    SweepResult,
    Upward,
)


class MessageRouter:
    """Routes messages."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._refused = Repeats()

    def route_message(self, message: Upward | None, now: float) -> None:
        """Route one message; None stands for one that its sender may not send."""
        rooms = self._rooms
        match message:
            case Results(credit, results):
                self._take_credit(credit, now)
                for result in results:
                    rooms.answers.take_result(result, credit, now)
            case SweepDetails() | SweepResult():
                self._take_credit(message.credit, now)
                self._take_sweep(message, now)
            case DeliveryResults(credit, posts):
                self._take_credit(credit, now)
                rooms.telemetry.reach.note_worker_answer("notifier", now)
                for post in posts:
                    rooms.callbacks.take_post_result(post, credit, now)
            case Credit():
                self._take_credit(message, now)
            case Bye():
                self._take_bye(message)
            case Command():
                self._take_command(message, now)
            case PublicationPart() | PublicationStatus():
                self._take_publication(message, now)
            case _:
                rooms.telemetry.metrics.count("bad_messages")

    def _take_sweep(self, message: SweepDetails | SweepResult, now: float) -> None:
        if isinstance(message, SweepDetails):
            self._rooms.sweep_results.take_details(message, now)
        else:
            self._rooms.sweep_results.take_result(message, now)

    def _take_publication(self, message: PublicationPart | PublicationStatus, now: float) -> None:
        if isinstance(message, PublicationPart):
            self._rooms.publications.take_part(message, now)
        else:
            self._rooms.publications.take_status(message)

    def _take_bye(self, bye: Bye) -> None:
        """Acknowledge that a worker drains, with the last sequence number sent to it."""
        last = self._rooms.workers.note_draining(bye.worker, bye.boot)
        if last is not None:
            self._rooms.effects.plan_effect(Send(bye.worker, bye.boot, ByeAck(last)))

    def _take_credit(self, credit: Credit, now: float) -> None:
        """Note the credit of a worker, and requeue what an earlier start of it lost; refuse another version, or too many."""
        rooms, telemetry = self._rooms, self._rooms.telemetry
        known = credit.version == VERSION
        if known and rooms.workers.admits_worker(credit):
            rooms.lost_leases.requeue_leases(rooms.workers.note_credit(credit, now), now, died=True)
            return
        telemetry.metrics.count("workers_refused")
        if more := self._refused.count_due(now):
            telemetry.write_log("error", "workers_refused", count=more)
        if self._refused.note_repeat(now):
            why = "too many workers" if known else f"version {credit.version}, wanted {VERSION}"
            telemetry.write_log("error", "worker_refused", worker=credit.worker, version=credit.version, why=why)

    def _take_command(self, command: Command, now: float) -> None:
        """Carry out a command of the control interface."""
        rooms, log = self._rooms, self._rooms.telemetry.write_log
        log("info", "command", verb=command.verb, target=command.target, sender=command.sender)
        match command.verb:
            case "refresh":
                rooms.effects.plan_effect(ReloadList())
            case "check":
                rooms.intake.check_now(command.target)
            case "replay":
                rooms.effects.plan_effect(FetchDelivery(command.target))
            case "reset_metrics":
                rooms.telemetry.metrics.reset(now)
            case "reset_budget":
                known = rooms.rate_limits.budgets.reset_operator(command.target, now)
                log("info", "budget_reset", operator=command.target, known=known)
            case _:
                log("error", "unknown_command", verb=command.verb)
