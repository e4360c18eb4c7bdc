"""What a method file must offer: `create(context) -> Checker`, and a checker whose `method` is the file's name.

To add one more method: write `actors/checkers/<pool>/<method>.py` with `create`, give its findings a weight in
`common/core/verdict/likelihoods.py`, and teach `common/core/checks/escalation.py` when to ask it. Discovery and the
contract tests find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from common.config import Settings
from common.core.model.evidence import Observation
from common.messages import Task


@dataclass(frozen=True, slots=True)
class Context:
    """What a checker may use. `now` gives epoch seconds, `monotonic` seconds for measuring durations."""

    settings: Settings
    now: Callable[[], float]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a sweep found out about many names, compactly; per name, in the order given.

    `codes` are those of `common.core.parsers.dns_fast`: DELEGATED is the finding dns_auth_referral, NXDOMAIN is
    dns_auth_nxdomain, OPEN is no answer in time, UNASKED a name that was left out because the servers turn us away; for UNUSUAL
    `observations` has the whole story, by index, of every such name. `trouble` says why nobody could be asked, or answered
    anything at all: silence, or that somebody turns us away (`refused`); nothing else is filled then.
    """

    server: str = ""  # the zone asked
    width: int = 0  # addresses that serve it
    codes: bytes = b""
    served: bytes = b""  # index in `addresses` of who answered, 255 where nobody did
    addresses: tuple[str, ...] = ()
    serial: int | None = None  # the oldest behind an NXDOMAIN
    fresh_at: float | None = None  # epoch seconds, where the serial tells
    observations: dict[int, Observation] = field(default_factory=dict)
    trouble: Observation | None = None


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
class Sweeper(Checker, Protocol):
    """A method that can also ask about many names of one suffix at once. At most one of a pool does.

    `sweeps` is how many of them may run beside single checks, 0 where the settings leave no way to sweep.
    """

    sweeps: int

    async def sweep(self, suffix: str, names: Sequence[str], seconds: float, *, pace: float | None = None) -> Findings:
        """Ask about names directly below `suffix`, `pace` queries a second to each address. Like `check` it never raises.

        What was answered within `seconds` counts, the rest stays open.
        """
        ...
