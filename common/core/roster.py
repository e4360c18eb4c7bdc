"""Taking over a domain list: new names in, missing ones out of watch, odd lists held back."""

from __future__ import annotations

from common.core import rounds
from common.core.board import Board
from common.core.cadence import first_check
from common.core.domain_list import ParsedList, hold_back
from common.core.domains import Entry
from common.core.names import normalise
from common.errors import NameProblem


def loaded(board: Board, parsed: ParsedList | None, source: str, now: float) -> None:
    """Take over a list, or hold it back until it comes again unchanged; None is the list we have."""
    if parsed is None:
        board.list_state.update(source=source, seen_at=now, error=None)
        return
    watched = sum(1 for entry in board.entries.values() if entry.watched)
    held = hold_back(watched, parsed, board.list_state.get("held_fingerprint"))
    board.list_state.update(source=source, error=None, seen_at=now)
    if held is not None:
        board.list_state.update(held=held.reason, held_fingerprint=parsed.fingerprint)
        board.say("error", "list_held_back", source=source, reason=held.reason, watched=watched)
        board.metrics.count("lists", result="held")
        return
    added, removed = _take_over(board, parsed, now)
    board.list_state.update(
        held=None, held_fingerprint=None, loaded_at=now, names=len(parsed.names), problems=parsed.problem_count
    )
    board.changes.problems = list(parsed.problems)
    board.metrics.count("lists", result="taken")
    board.say(
        "info",
        "list_taken",
        source=source,
        names=len(parsed.names),
        added=added,
        removed=removed,
        problems=parsed.problem_count,
    )


def failed(board: Board, text: str, source: str, now: float) -> None:
    """Note that the list could not be read; what was watched stays watched."""
    board.list_state.update(source=source, error=text, failed_at=now)
    board.metrics.count("lists", result="failed")
    board.say("error", "list_failed", source=source, reason=text)


def check_now(board: Board, name: str, now: float) -> bool:
    """Check one watched name at once, by every method. False if it is not watched."""
    entry = board.entries.get(name)
    if entry is None or not entry.watched:
        return False
    if entry.round is None:
        rounds.begin(board, entry, now, manual=True)
    return True


def _take_over(board: Board, parsed: ParsedList, now: float) -> tuple[int, int]:
    added = removed = 0
    for name, priority in parsed.names.items():
        entry = board.entries.get(name)
        if entry is not None and entry.watched:
            _set_priority(board, entry, priority, now)
            continue
        if entry is None:
            try:
                entry = board.new_entry(normalise(name, board.policy.suffix_of))
            except NameProblem:
                continue  # the list builder normalised it with the same rules; only a changed suffix list gets here
        else:
            entry.watched = True
            board.count_state(None, entry.state)
        entry.priority = priority
        board.schedule.put(entry, first_check(entry, board.policy.cadence, now))
        board.changed[entry.name] = entry
        added += 1
    for entry in board.entries.values():
        if entry.watched and entry.name not in parsed.names:
            entry.watched, entry.round = False, None
            board.gaps.waits(entry.name, (), now)
            board.count_state(entry.state, None)
            board.changed[entry.name] = entry
            removed += 1
    return added, removed


def _set_priority(board: Board, entry: Entry, priority: bool, now: float) -> None:  # noqa: FBT001  # it is the value itself
    if entry.priority == priority:
        return
    entry.priority = priority
    board.changed[entry.name] = entry
    if entry.round is None:
        board.schedule.put(entry, first_check(entry, board.policy.cadence, now) if priority else entry.next_check)
