"""What a sweep brought home: names that are as they were are settled together, whatever is new about the others begins a visit.

A sweep decides nothing that a single look would not: a delegated name that was registered, or was never looked at, is
registered; a name that left the zone is visited at once, and an alarm still needs the registry, a second pass and every gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.core.checks import visits, window_pace
from common.core.checks.escalation import BLIND_ROUNDS
from common.core.checks.rounds import registry_room
from common.core.coordinator.board import Board
from common.core.domains.domain_table import CODE_OF, DETAILED, IN_HAND, LINED, REGISTERED, UNKNOWN
from common.core.domains.last_look import reading_of
from common.core.domains.name_index import Rows
from common.core.domains.working_set import MOST_IN_HAND
from common.core.lifecycle.forecast import prior_log_odds
from common.core.model.entry import BACKGROUND, NEWS, ORDINARY
from common.core.model.evidence import Observation, Outcome, unknown
from common.core.model.records import Evidence, StateChange
from common.core.outbox import announce
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNASKED, UNUSUAL
from common.core.rate_limits import policy
from common.core.schedule.cadence import next_checks, spread
from common.core.sweeps import batches, bulk
from common.core.sweeps.sweep_queues import Swarm
from common.core.telemetry.error_kinds import TIMEOUT, kind_of
from common.core.verdict.verdicts import Situation, State, decide
from common.messages import Swept, SweptOdd

Codes = NDArray[np.uint8]
Chosen = NDArray[np.bool_]

#: Visits to names about which a sweep found nothing alarming: at most so many of one sweep, and while fewer than these wait.
MOST_OF_ONE, MOST_WAITING = 200, 4000
#: Names that wait for their visit, at most, while those that left the zone still find room, and those that were answered oddly;
#: whoever finds none is seen again `LATER` seconds later, who left the zone half more or less.
MOST_LEAVING, MOST_ODD, LATER = 20_000, 8000, 60.0
#: In the place of who answered: nobody.
NOBODY = 255
_MUTE = unknown("dns_timeout", "no answer in time")
_OUTCOMES = {DELEGATED: Outcome.REGISTERED, NXDOMAIN: Outcome.UNREGISTERED, OPEN: Outcome.UNKNOWN}
_EXPIRED_GRACE = CODE_OF[State.EXPIRED_GRACE]


def heard(board: Board, message: Swept, now: float) -> tuple[Swarm, str] | None:
    """Take the answer to a sweep. Returns the sweep and the reason where the operator complained."""
    lease = board.workers.finish(message.attempt, message.credit)
    swarm = lease.ref if lease is not None else None
    if not isinstance(swarm, Swarm):
        board.metrics.count("late_results")
        return None
    size = len(swarm.rows)
    if message.returned or (message.trouble is None and not len(message.codes) == len(message.served) == size):
        if message.returned:  # what has no meaning was asked all the same
            board.budgets.give_back(swarm.limit, swarm.egress, now, size)
        batches.lost(board, swarm, now, died=False)
        return None
    _log(board, swarm, message, now)
    _note_reach(board, swarm, message, now)
    answer = policy.sum_up(message, size)
    limited = answer is not None and policy.complaint_of(answer) is not None
    if message.width:
        board.widths[swarm.suffix] = max(1, min(64, message.width))
    still = (board.book.table.flags[swarm.rows] & LINED) != 0
    if board.wildcard(swarm.suffix):  # found out while it was on its way: such a zone says nothing, each name needs a visit
        bulk.settle(board, swarm.rows[still], np.full(int(np.count_nonzero(still)), now))
    else:
        codes, served = _codes(message, size)
        _count(board, message, codes)
        _visit(board, swarm, message.observations, now, where=still & (codes == UNUSUAL))
        numbers = _addresses(board, message.addresses)
        plain = still & (codes != UNUSUAL) & (codes != UNASKED)
        _sort_out(board, swarm, message, swarm.rows[plain], codes[plain], numbers[served[plain]], now)
        _ask_again(board, swarm, still & (codes == UNUSUAL), now)
        _put_off(board, swarm, still & (codes == UNASKED), now, limited=limited)
    reason = None if answer is None else board.budgets.answered(swarm.limit, swarm.egress, answer, now, swarm.sent)
    return None if reason is None else (swarm, reason)


def told(board: Board, message: SweptOdd, now: float) -> None:
    """Take stories that go ahead of the answer to a sweep: their names begin their visits, the sweep goes on without them."""
    swarm = board.workers.ref(message.attempt, message.credit)
    if not isinstance(swarm, Swarm):
        board.metrics.count("late_results")
    elif not board.wildcard(swarm.suffix):
        _visit(board, swarm, message.observations, now, where=(board.book.table.flags[swarm.rows] & LINED) != 0)


def _visit(board: Board, swarm: Swarm, stories: Mapping[int, Observation], now: float, *, where: NDArray[np.bool_]) -> None:
    """Begin visits to names with a story, at these places; those that find no room are looked at again a little later."""
    late = []
    for place, observation in stories.items():
        if not 0 <= place < len(swarm.rows) or not where[place] or observation.method != "dns":
            continue
        if len(board.wants) < MOST_ODD:
            visits.want_found(board, int(swarm.rows[place]), observation, now, swarm.by)
        else:
            late.append(place)
    if late:
        bulk.settle(board, swarm.rows[late], np.full(len(late), now + LATER))


def _ask_again(board: Board, swarm: Swarm, odd: NDArray[np.bool_], now: float) -> None:
    """Names that were answered, and are still in line: their stories got lost on the way."""
    untold = odd & ((board.book.table.flags[swarm.rows] & LINED) != 0)
    if untold.any():
        batches.lost(board, replace(swarm, rows=swarm.rows[untold], times=swarm.times[untold]), now, died=False)


def _put_off(board: Board, swarm: Swarm, unasked: NDArray[np.bool_], now: float, *, limited: bool) -> None:
    """Names that were left out because the servers limit us are as due as before, and cost nothing.

    Where there was no complaint (`limited` is false) that is no reason: the sweep counts as lost for them.
    """
    rows, times = swarm.rows[unasked], swarm.times[unasked]
    if len(rows) and limited:
        board.budgets.give_back(swarm.limit, swarm.egress, now, len(rows))
        bulk.settle(board, rows, times)
    elif len(rows):
        batches.lost(board, replace(swarm, rows=rows, times=times), now, died=False)


def chosen(board: Board, suffix: str, rank: int, wanted: Chosen, order: Any, now: float) -> Chosen:
    """Those for which the registry's line has room: records gone stale before names never asked about, the oldest first."""
    room = 0
    if wanted.any() and len(board.wants) < MOST_WAITING and len(board.book.in_hand) < MOST_IN_HAND:
        room = min(registry_room(board, suffix, rank, now) or 0, MOST_OF_ONE)
    if room >= np.count_nonzero(wanted):
        return wanted
    chosen = np.zeros(len(wanted), np.bool_)
    places = np.flatnonzero(wanted)
    keys = np.where(order[places] == 0, np.inf, order[places])
    chosen[places[np.argsort(keys, kind="stable")[:room]]] = True
    return chosen


def _sort_out(
    board: Board, swarm: Swarm, message: Swept, rows: Rows, codes: Codes, address: NDArray[np.uint16], now: float
) -> None:
    """Settle what is as it was, and begin visits to the rest."""
    table = board.book.table
    state, flags = table.state[rows], table.flags[rows]
    owned = (state == REGISTERED) | (state == _EXPIRED_GRACE)
    known = (flags & DETAILED) != 0
    opened = (flags & IN_HAND) != 0
    mute = codes == OPEN
    due = table.registry_due[rows].astype(np.float64) <= now
    leaving = (codes == NXDOMAIN) & owned
    odd = opened | ((codes == DELEGATED) & (state == UNKNOWN) & known)
    blind = mute & ~odd & (table.blind[rows] >= BLIND_ROUNDS - 1)
    look = (codes == DELEGATED) & due & ~odd
    missing = (codes == NXDOMAIN) & ~owned & ~odd
    visit = _departing(board, swarm.suffix, leaving & ~odd, now) | odd
    visit |= chosen(board, swarm.suffix, BACKGROUND, look, table.registry_due[rows], now)
    visit |= chosen(board, swarm.suffix, ORDINARY, missing, table.checked_at[rows], now)
    visit |= _some(blind, MOST_OF_ONE if len(board.wants) < MOST_WAITING else 0)
    for place in np.flatnonzero(visit).tolist():
        seen = _observation(board, swarm.suffix, message, int(codes[place]), int(address[place]))
        visits.want_found(board, int(rows[place]), seen, now, swarm.by)
    late = leaving & ~visit
    bulk.settle(board, rows[late], spread(rows[late], LATER, now))
    bulk.give_up(board, rows[mute & ~visit], now)
    same = ~(visit | late | mute)
    _settle(board, message, rows[same], codes[same], address[same], now)


def _settle(board: Board, message: Swept, rows: Rows, codes: Codes, address: NDArray[np.uint16], now: float) -> None:
    """Note that these names are as they were, or were seen for the first time."""
    if not len(rows):
        return
    table = board.book.table
    changed = table.code[rows] != codes
    table.dns_first[rows] = np.where(changed, now, table.dns_first[rows])
    table.dns_at[rows] = table.checked_at[rows] = now
    table.code[rows], table.address[rows], table.blind[rows] = codes, address, 0
    table.serial[rows] = np.where(codes == NXDOMAIN, _serial(message), 0)
    fresh = rows[(codes == DELEGATED) & (table.state[rows] == UNKNOWN)]
    if len(fresh):
        _first_look(board, fresh, now)
    announce.owe(board, rows, changed)
    announce.results(board, rows, message, now)
    earliest, latest = table.earliest[rows].astype(np.float64), table.latest[rows].astype(np.float64)
    stretch = window_pace.stretches(board, rows, earliest, latest, now)
    times = next_checks(rows, bulk.bases(board, rows), earliest, latest, now, stretch)
    bulk.settle(board, rows, times)


def _first_look(board: Board, rows: Rows, now: float) -> None:
    """Names about which nothing was known are registered: a state, and no event."""
    table = board.book.table
    seen = Evidence(Observation("dns", reading_of(DELEGATED)), now, now)
    verdict = decide({"dns": seen}, Situation(prior=prior_log_odds(None, None, None, now), rho=1.0), State.UNKNOWN, now)
    table.state[rows], table.since[rows] = REGISTERED, now
    table.confidence[rows] = verdict.confidence
    board.count_state(State.UNKNOWN, State.REGISTERED, len(rows))
    board.backlog.states.append(StateChange(rows.tolist(), State.REGISTERED.value, now, verdict.confidence))


def _departing(board: Board, suffix: str, leaving: Chosen, now: float) -> Chosen:
    """Names that left the zone, as many as the registry's line takes; where there is no registry to ask, all that can wait."""
    if not leaving.any():
        return leaving
    room = registry_room(board, suffix, NEWS, now)
    return _some(leaving, min(MOST_LEAVING if room is None else room, MOST_LEAVING - len(board.wants)))


def _some(wanted: Chosen, most: int) -> Chosen:
    """The first of them."""
    chosen = np.zeros(len(wanted), np.bool_)
    chosen[np.flatnonzero(wanted)[: max(0, most)]] = True
    return chosen


def _observation(board: Board, suffix: str, message: Swept, code: int, address: int) -> Observation:
    """What the sweep saw of one name, as a single look would have told it."""
    where = board.book.table.addresses[address]
    server = message.server or suffix
    width = message.width or None
    if code == OPEN:
        trouble = message.trouble if message.trouble is not None and message.trouble.method == "dns" else None
        return trouble or Observation("dns", _MUTE, server=server, width=width)
    reading = reading_of(code, _serial(message) if code == NXDOMAIN else 0, message.fresh_at)
    return Observation("dns", reading, server=server, address=where, width=width)


def _codes(message: Swept, size: int) -> tuple[Codes, Codes]:
    """What was found, and the place of who said it. Open: what has no meaning here, and all of a zone in trouble."""
    if message.trouble is not None:
        return np.full(size, OPEN, np.uint8), np.full(size, NOBODY, np.uint8)
    codes = np.frombuffer(message.codes, np.uint8)
    known = (codes == DELEGATED) | (codes == NXDOMAIN) | (codes == UNUSUAL) | (codes == UNASKED)
    return np.where(known, codes, OPEN).astype(np.uint8), np.frombuffer(message.served, np.uint8)


def _serial(message: Swept) -> int:
    """The zone's serial: 32 bits (RFC 1035 section 3.3.13), 0 where there is none."""
    serial = message.serial or 0
    return serial if 0 <= serial <= 0xFFFFFFFF else 0


def _addresses(board: Board, texts: Iterable[str]) -> NDArray[np.uint16]:
    """The numbers of a sweep's addresses, by the place they are called by; 255 is nobody."""
    numbers = np.zeros(256, np.uint16)
    for place, text in enumerate(texts):
        numbers[place] = board.book.table.address_number(text)
    return numbers


def _note_reach(board: Board, swarm: Swarm, message: Swept, now: float) -> None:
    """Note whether any name server said anything in this sweep."""
    board.reach.note_worker_answer("fast", now)
    said = {DELEGATED, NXDOMAIN} & set(message.codes) if message.trouble is None else set()
    stories = (item.reading.outcome for item in message.observations.values())
    if said or any(outcome not in (Outcome.UNKNOWN, Outcome.THROTTLED) for outcome in stories):
        board.reach.note_answer("dns", (Outcome.REGISTERED, ""), ("", swarm.suffix), now)
    else:
        trouble = message.trouble.reading.finding if message.trouble is not None else _MUTE.finding
        board.reach.note_answer("dns", (Outcome.UNKNOWN, trouble), ("", swarm.suffix), now, len(swarm.rows))


def _count(board: Board, message: Swept, codes: Codes) -> None:
    """Count what a sweep found, and of what kind the errors were."""
    for code, count in zip(*np.unique(codes[codes != UNASKED], return_counts=True), strict=True):
        outcome = _OUTCOMES.get(int(code), Outcome.UNKNOWN)
        board.metrics.count("checks", int(count), method="dns", outcome=outcome.value)
        if outcome is Outcome.UNKNOWN and int(code) == OPEN:
            kind = TIMEOUT if message.trouble is None else kind_of(message.trouble)
            board.metrics.count("check_errors", int(count), method="dns", kind=kind or TIMEOUT)
    for observation in message.observations.values():
        if (kind := kind_of(observation)) is not None:
            board.metrics.count("check_errors", method="dns", kind=kind)
    board.metrics.observe("sweep_seconds", message.duration_ms / 1000)


def _log(board: Board, swarm: Swarm, message: Swept, now: float) -> None:
    fields = {
        "suffix": swarm.suffix,
        "names": len(swarm.rows),
        "delegated": message.codes.count(DELEGATED),
        "missing": message.codes.count(NXDOMAIN),
        "open": message.codes.count(OPEN),
        "odd": message.codes.count(UNUSUAL),
        "unasked": message.codes.count(UNASKED),
        "refused": message.refused,
        "ms": round(message.duration_ms, 1),
        "attempt": message.attempt,
        "reason": message.trouble.reading.reason if message.trouble is not None else "",
    }
    if message.trouble is None:
        board.say("debug", "sweep_done", **fields)
    else:
        board.complain("warning", "sweep_done", swarm.suffix, now, **fields)
