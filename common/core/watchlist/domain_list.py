"""Parse the list of names to watch into names and problems, and hold back a list that looks like an accident."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from common.core.model.records import ProblemRow
from common.core.registries.registrable_names import MAX_INPUT, parse_registrable
from common.core.watchlist.distinct_count import DistinctCounter
from common.core.watchlist.list_names import PackedNames
from common.errors import ListError, NameProblem

#: Most names in one list.
MAX_NAMES = 5_000_000
#: Most problems kept of one list; all are counted.
MAX_PROBLEMS = 1000
#: Longest copy of a wrong entry kept, in characters.
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class ParsedList:
    """A parsed list of a few names. `names`: A-label -> priority. `total` counts the entries.

    `problems`: the first MAX_PROBLEMS; `problem_count`: how many there were.
    """

    names: dict[str, bool]
    problems: list[ProblemRow]
    problem_count: int
    total: int


@dataclass(frozen=True, slots=True)
class ParsedBulkList:
    """A parsed list of any length; like `ParsedList`, with the names packed, each once.

    `whole`: how many names the list has, where only a part of them is kept; None where all are.
    """

    names: PackedNames
    problems: list[ProblemRow]
    problem_count: int
    total: int
    whole: int | None = None


class ListParser(ABC):
    """Parses the entries of a list one by one. `suffix_of`: `common.suffixes.load_suffixes()`; `limit`: the most names."""

    def __init__(self, suffix_of: Callable[[str], str | None], limit: int = MAX_NAMES) -> None:
        self._suffix_of = suffix_of
        self._limit = limit
        self._problems: list[ProblemRow] = []
        self._problem_count = 0
        self._total = 0

    def add_entry(self, entry: object) -> None:
        """Parse one entry: a name, or an object {"domain": name, "priority": true}; anything wrong becomes a problem.

        A name that is given twice counts once, with priority if it has it anywhere. Raises ListError above the limit.
        """
        self._total += 1
        name: object = entry
        priority: object = False
        if isinstance(entry, dict):
            if "domain" not in entry:
                return self._note_problem(entry, "bad_entry", 'the object has no "domain"')
            name, priority = entry["domain"], entry.get("priority", False)
        if not isinstance(name, str):
            return self._note_problem(name, "bad_entry", 'neither a name nor an object with a "domain"')
        if not isinstance(priority, bool) and priority is not None:
            self._note_problem(
                name, "bad_priority", '"priority" is neither true nor false: the name is watched without priority'
            )
        try:
            alabel, _ = parse_registrable(name, self._suffix_of)
        except NameProblem as problem:
            return self._note_problem(name, problem.code, str(problem))
        self._keep_name(alabel, urgent=priority is True)
        return None

    def reject_entry(self, text: str, reason: str) -> None:
        """Count an entry that cannot be read at all; `text` is a copy of its beginning."""
        self._total += 1
        self._note_problem(text, "bad_entry", reason)

    @abstractmethod
    def _keep_name(self, name: str, *, urgent: bool) -> None:
        """Keep an A-label name. Raises ListError above the limit, at the latest in `build_list`."""

    def _too_many(self) -> ListError:
        return ListError(f"more than {self._limit} names; the list is not taken, the one before stays")

    def _note_problem(self, entry: object, code: str, reason: str) -> None:
        self._problem_count += 1
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(ProblemRow(_printable_copy(entry), code, reason[:300]))


class ListBuilder(ListParser):
    """Parses a list of a few names, which can be looked up afterwards."""

    def __init__(self, suffix_of: Callable[[str], str | None], limit: int = MAX_NAMES) -> None:
        super().__init__(suffix_of, limit)
        self._names: dict[str, bool] = {}

    def build_list(self) -> ParsedList:
        """All that was taken."""
        return ParsedList(self._names, self._problems, self._problem_count, self._total)

    def _keep_name(self, name: str, *, urgent: bool) -> None:
        self._names[name] = urgent or self._names.get(name, False)
        if len(self._names) > self._limit:
            raise self._too_many()


class BulkBuilder(ListParser):
    """Parses a list of millions of names, which can only be iterated and compared.

    `keeps` says which names (A-labels) are kept, None: all; the limit is for those.
    """

    def __init__(
        self,
        suffix_of: Callable[[str], str | None],
        limit: int = MAX_NAMES,
        keeps: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__(suffix_of, limit)
        self._names = PackedNames()
        self._keeps = keeps
        self._counter = DistinctCounter()

    def build_list(self) -> ParsedBulkList:
        """All that was taken. Raises ListError above the limit."""
        self._drop_duplicates()
        whole = None if self._keeps is None else self._counter.count_names()
        return ParsedBulkList(self._names, self._problems, self._problem_count, self._total, whole)

    def _keep_name(self, name: str, *, urgent: bool) -> None:
        if self._keeps is not None:
            self._counter.add_name(name)
            if not self._keeps(name):
                return
        self._names.add_name(name, urgent=urgent)
        if len(self._names) > 2 * self._limit:
            self._drop_duplicates()  # at most half of the rows stay, so this happens once in `limit` names

    def _drop_duplicates(self) -> None:
        self._names.drop_duplicates()
        if len(self._names) > self._limit:
            raise self._too_many()


def parse_line(line: str) -> object | None:
    """Parse one line of a plain list: a name; `#` begins a comment; "name!" or "name priority" sets priority.

    The result is an entry for `ListParser.add_entry`; None for an empty line.
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


def _printable_copy(entry: object) -> str:
    """A bounded, printable copy of an entry that any store and encoder can hold."""
    text = (
        entry[:MAX_INPUT]
        if isinstance(entry, str)
        else repr(entry)
        if isinstance(entry, int | float | bool)
        else _describe_type(entry)
    )
    text = "".join(char if char.isprintable() else "\ufffd" for char in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _describe_type(entry: object) -> str:
    if isinstance(entry, dict):
        return f"object with {', '.join(repr(str(key)[:20]) for key in list(entry)[:5]) or 'nothing'}"
    return "list" if isinstance(entry, list | tuple) else "null" if entry is None else type(entry).__name__
