"""Mutants that no test can kill, or need not, each with its reason: `listed.toml` beside this file.

A table for each module; a key is the reason in one sentence, its value the names of the mutants it holds for (`Mutant.name`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from tests.mutants.faults import TUNING, mutants
from tests.mutants.trial import Score

FILE = Path(__file__).with_name("listed.toml")

#: Reasons by the name of the mutant, by module.
Listed = Mapping[str, Mapping[str, str]]


class Result(NamedTuple):
    """What is left of a score once the listed mutants are taken out.

    `survived`: by name, those that nothing excuses; `tuning`: how many only move a constant by a tenth or less.
    """

    score: Score
    survived: tuple[str, ...]
    tuning: int
    reasons: Mapping[str, str]


def read_listed(path: Path = FILE) -> Listed:
    """What the file lists; nothing where there is none."""
    tables = tomllib.loads(path.read_text()) if path.exists() else {}
    return {module: {name: why for why, names in table.items() for name in names} for module, table in tables.items()}


def find_stale(root: Path, modules: Collection[str], known: Collection[str], listed: Listed) -> Iterator[str]:
    """A sentence for each listed mutant of these modules that does not exist, and for each module that is not `known`."""
    yield from (f"{module} is listed and has no target" for module in listed if module not in known)
    for module in modules:
        names = [mutant.name for mutant in mutants((root / module).read_text())] if module in listed else []
        for name in listed.get(module, ()):
            if name not in names:
                similar = "".join(f"; is it {other!r}?" for other in get_close_matches(name, names, 1))
                yield f"{module}: listed, and there is no such mutant: {name!r}{similar}"


def take_out(score: Score, listed: Listed) -> Result:
    """The score without what is listed."""
    reasons = listed.get(score.module, {})
    left = [mutant for mutant in score.survivors if mutant.name not in reasons]
    survived = tuple(mutant.name for mutant in left if mutant.kind != TUNING)
    alive = {mutant.name for mutant in score.survivors}
    found = {name: reason for name, reason in reasons.items() if name in alive}
    return Result(score, survived, len(left) - len(survived), found)


def find_killed(results: Iterable[Result], listed: Listed) -> Iterator[str]:
    """A sentence for each listed mutant that the tests do kill."""
    for result in results:
        module = result.score.module
        for name in listed.get(module, ()):
            if name not in result.reasons:
                yield f"{module}: listed, and the tests kill it: {name!r}"
