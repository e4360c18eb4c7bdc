"""The list of names to watch: entries become names or problems, and a list that looks like an accident is held back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from common.core.model.records import ProblemRow
from common.core.registries.registrable_names import MAX_INPUT, parse_registrable
from common.core.watchlist.list_diff import ListHead
from common.core.watchlist.list_names import Names
from common.errors import ListError, NameProblem

#: Most names in one list.
MAX_NAMES = 5_000_000
#: Most problems kept of one list; all are counted.
MAX_PROBLEMS = 1000
#: A list that loses more than this share of the names is held back.
LARGEST_LOSS = 0.5
#: Longest copy of a wrong entry kept, in characters.
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class ParsedList:
    """A list of a few names as read. `names`: A-label -> priority. `total` counts the entries.

    `problems`: the first ones; `problem_count`: how many there were.
    """

    names: dict[str, bool]
    problems: list[ProblemRow]
    problem_count: int
    total: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of any length as read; like `ParsedList`, with each name once."""

    names: Names
    problems: list[ProblemRow]
    problem_count: int
    total: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a list is not taken yet, and the fingerprint with which it is taken when it comes again."""

    reason: str
    fingerprint: str


class Entries(ABC):
    """Takes entries one by one. `suffix_of` is `common.suffixes.load_suffixes()`, `limit` the most names."""

    def __init__(self, suffix_of: Callable[[str], str | None], limit: int = MAX_NAMES) -> None:
        self._suffix_of = suffix_of
        self._limit = limit
        self._problems: list[ProblemRow] = []
        self._problem_count = 0
        self._total = 0

    def add(self, entry: object) -> None:
        """Take a name, or an object {"domain": name, "priority": true}. Total for any entry; what is wrong becomes a problem.

        A name that is given twice counts once, with priority if it has it anywhere. Raises ListError above the limit.
        """
        self._total += 1
        name: object = entry
        priority: object = False
        if isinstance(entry, dict):
            if "domain" not in entry:
                return self._problem(entry, "bad_entry", 'the object has no "domain"')
            name, priority = entry["domain"], entry.get("priority", False)
        if not isinstance(name, str):
            return self._problem(name, "bad_entry", 'neither a name nor an object with a "domain"')
        if not isinstance(priority, bool) and priority is not None:
            self._problem(name, "bad_priority", '"priority" is neither true nor false: the name is watched without priority')
        try:
            alabel, _ = parse_registrable(name, self._suffix_of)
        except NameProblem as problem:
            return self._problem(name, problem.code, str(problem))
        self._keep(alabel, urgent=priority is True)
        return None

    def reject(self, text: str, reason: str) -> None:
        """Count an entry that cannot be read at all; `text` is a copy of its beginning."""
        self._total += 1
        self._problem(text, "bad_entry", reason)

    @abstractmethod
    def _keep(self, name: str, *, urgent: bool) -> None:
        """Take an A-label. Raises ListError above the limit, at the latest when the list is finished."""

    def _too_many(self) -> ListError:
        return ListError(f"more than {self._limit} names; the list is not taken, the one before stays")

    def _problem(self, entry: object, code: str, reason: str) -> None:
        self._problem_count += 1
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(ProblemRow(_shown(entry), code, reason[:300]))


class ListBuilder(Entries):
    """For a few names: they can be looked up afterwards."""

    def __init__(self, suffix_of: Callable[[str], str | None], limit: int = MAX_NAMES) -> None:
        super().__init__(suffix_of, limit)
        self._names: dict[str, bool] = {}

    def finish(self) -> ParsedList:
        """All that was taken."""
        return ParsedList(self._names, self._problems, self._problem_count, self._total)

    def _keep(self, name: str, *, urgent: bool) -> None:
        self._names[name] = urgent or self._names.get(name, False)
        if len(self._names) > self._limit:
            raise self._too_many()


class BulkBuilder(Entries):
    """For millions of names: they can only be gone through and compared."""

    def __init__(self, suffix_of: Callable[[str], str | None], limit: int = MAX_NAMES) -> None:
        super().__init__(suffix_of, limit)
        self._names = Names()

    def finish(self) -> Listed:
        """All that was taken. Raises ListError above the limit."""
        self._settle()
        return Listed(self._names, self._problems, self._problem_count, self._total)

    def _keep(self, name: str, *, urgent: bool) -> None:
        self._names.add(name, urgent=urgent)
        if len(self._names) > 2 * self._limit:
            self._settle()  # at most half of the rows stay, so this happens once in `limit` names

    def _settle(self) -> None:
        self._names.settle()
        if len(self._names) > self._limit:
            raise self._too_many()


def parse_line(line: str) -> object | None:
    """One line of a plain list: a name; `#` begins a comment; "name!" or "name priority" sets priority. None for an empty line.

    The result is an entry for `ListBuilder.add`.
    """
    text = line.partition("#")[0].strip()
    if not text:
        return None
    if text.endswith("!"):
        return {"domain": text[:-1].rstrip(), "priority": True}
    name, _, word = text.rpartition(" ")
    if word.lower() == "priority" and name.strip():
        return {"domain": name.strip(), "priority": True}
    return text


def hold_back(current_count: int, new: ListHead, held_fingerprint: str | None) -> Hold | None:
    """Whether a list looks like an accident: empty, or more than half of the names gone. None: take it.

    `current_count` is how many names are watched now, `held_fingerprint` the fingerprint of the list held back before: the
    same list coming again is meant.
    """
    if new.fingerprint == held_fingerprint:
        return None
    count = new.names
    again = "it is taken if it comes again unchanged"
    if count == 0:
        what = f"none of its {new.total} entries can be watched" if new.total else "it is empty"
        return Hold(f"the new list is held back: {what}; {again}", new.fingerprint)
    if count < current_count * (1 - LARGEST_LOSS):
        return Hold(f"the new list is held back: {count} names instead of {current_count}; {again}", new.fingerprint)
    return None


def _shown(entry: object) -> str:
    """A bounded, printable copy that every store and encoder can hold."""
    text = (
        entry[:MAX_INPUT] if isinstance(entry, str) else repr(entry) if isinstance(entry, int | float | bool) else _kind(entry)
    )
    text = "".join(char if char.isprintable() else "\ufffd" for char in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _kind(entry: object) -> str:
    if isinstance(entry, dict):
        return f"object with {', '.join(repr(str(key)[:20]) for key in list(entry)[:5]) or 'nothing'}"
    return "list" if isinstance(entry, list | tuple) else "null" if entry is None else type(entry).__name__
