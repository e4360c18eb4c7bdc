"""What a method file must offer: `create(context)`, which makes a checker whose `method` is the file's name.

`create` returns None where the method needs settings that are not there. How to add a method is in docs/adding-a-checker.md;
discovery and the contract tests find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from common.config import Settings
from common.core.model.evidence import Observation
from common.messages import Task
from common.worker_calls import Methods
from common.worker_sweeps import SweepMethod


@dataclass(frozen=True, slots=True)
class Context:
    """What a checker may use. `now` gives epoch seconds, `monotonic` seconds for measuring durations."""

    settings: Settings
    now: Callable[[], float]
    monotonic: Callable[[], float]


class Checker(Protocol):
    """One method. `check` never raises for what the outside does: trouble is an observation with outcome unknown.

    It raises NotAsked where nothing was sent because of ourselves: the task goes back, and no server is blamed.
    """

    method: str

    async def check(self, task: Task) -> Observation:
        """Ask once, within `task.budget_ms`, and report."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class BatchChecker(Checker, Protocol):
    """A method whose server takes up to `batch` names in one call. Its rate limit counts calls."""

    batch: int

    async def check_batch(self, tasks: Sequence[Task]) -> list[Observation]:
        """Ask once about all of them, within the smallest `budget_ms`, and report on each, in their order.

        As with `check`, trouble is an observation, and NotAsked says that nothing was sent.
        """
        ...


@runtime_checkable
class Sweeper(Checker, SweepMethod, Protocol):
    """A method that can also ask about many names of one suffix at once. At most one of a pool does."""


def methods_of(checkers: Iterable[Checker]) -> Methods:
    """The methods of these checkers, as a worker runs them."""
    there = list(checkers)
    return Methods(
        checks={checker.method: checker.check for checker in there},
        batch_checks={checker.method: checker.check_batch for checker in there if isinstance(checker, BatchChecker)},
    )
