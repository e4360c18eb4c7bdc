"""Tells a process that hangs from one that only has to wait for its turn: by its heartbeat and by what it did without one.

Seconds alone cannot tell: under load a healthy process may go without a CPU for ten of them. So the time since the last
heartbeat is divided: what the process slept although it could have beaten (`idle`), what it computed (`busy`), and what it
waited for a CPU or a disk, which counts for neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

#: Seconds between two looks after which the watch itself was stopped (a paused container, a machine that slept): start afresh.
PAUSED_AFTER = 5.0
#: Most seconds that one look adds: a watch that gets no CPU must not blame the others.
LONGEST_STEP = 2.0
#: Looks in a row that have to find a process stopped (SIGSTOP).
STOPPED_SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the kernel says of a process (proc_pid_stat(5)). Times in seconds since its start.

    `state`: R runs or wants to, S sleeps, D waits for a disk, T was stopped, ...; `cpu`: time it computed; `delayed`: time its
    threads waited for a CPU, None where the kernel does not say.
    """

    state: str
    cpu: float
    delayed: float | None


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """One process at one look. `beat`: time of its own last heartbeat, None before the first; `patience`: most seconds without.

    `vitals` is None where the kernel says nothing: then seconds have to do.
    """

    name: str
    pid: int
    beat: float | None
    patience: float
    vitals: Vitals | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds without a heartbeat after which a process hangs; `plain` where its vitals are not known."""

    idle: float
    busy: float
    plain: float


#: After the first heartbeat: heartbeats come every second.
WORKING = Limits(idle=3.0, busy=4.0, plain=10.0)
#: Before it: a process that loads its modules is silent for two CPU-seconds, and under load for a minute.
STARTING = Limits(idle=15.0, busy=15.0, plain=30.0)
#: Most seconds without the first heartbeat, whatever the reason.
STARTING_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Hung:
    """A process that hangs; `why`: stopped, idle, busy, or silent (beyond every patience)."""

    name: str
    pid: int
    why: str


@dataclass(frozen=True, slots=True)
class _Silence:
    """How a process spent the time since its last heartbeat. Seconds."""

    mark: tuple[int, float | None]
    vitals: Vitals | None
    idle: float = 0.0
    busy: float = 0.0
    whole: float = 0.0
    stopped: int = 0


class HangDetector:
    """Looks at processes again and again, about once a second."""

    def __init__(self) -> None:
        self._silences: dict[str, _Silence] = {}
        self._looked: float | None = None

    def find_hung(self, sights: Iterable[ProcessSample], moment: float) -> list[Hung]:
        """The processes that hang. `moment` in seconds of a clock that cannot be set. Each is named once."""
        step = 0.0 if self._looked is None else moment - self._looked
        self._looked = moment
        known = self._silences if step <= PAUSED_AFTER else {}
        silences: dict[str, _Silence] = {}
        hung = []
        for sight in sights:
            silence = _extend_silence(known.get(sight.name), sight, min(step, LONGEST_STEP))
            why = _why_hung(silence, sight)
            if why:
                hung.append(Hung(sight.name, sight.pid, why))
            else:
                silences[sight.name] = silence
        self._silences = silences
        return hung


def _extend_silence(before: _Silence | None, sight: ProcessSample, step: float) -> _Silence:
    mark = (sight.pid, sight.beat)
    stopped = sight.vitals is not None and sight.vitals.state == "T"
    if before is None or before.mark != mark:
        return _Silence(mark, sight.vitals, stopped=int(stopped))
    idle, busy = _split_time(before.vitals, sight.vitals, step)
    return replace(
        before,
        vitals=sight.vitals,
        idle=before.idle + idle,
        busy=before.busy + busy,
        whole=before.whole + step,
        stopped=before.stopped + 1 if stopped else 0,
    )


def _split_time(before: Vitals | None, after: Vitals | None, step: float) -> tuple[float, float]:
    """Seconds slept without need and seconds computed between two looks.

    What is about to run did not sleep: the kernel adds a wait for a CPU to `delayed` only once it is over.
    """
    if before is None or after is None:
        return 0.0, 0.0
    busy = max(0.0, after.cpu - before.cpu)
    if after.state in {"D", "R"}:
        return 0.0, busy
    delayed = 0.0 if before.delayed is None or after.delayed is None else max(0.0, after.delayed - before.delayed)
    return max(0.0, step - busy - delayed), busy


def _why_hung(silence: _Silence, sight: ProcessSample) -> str:
    """Why this process hangs; "" where it does not."""
    limits = STARTING if sight.beat is None else WORKING
    patience = STARTING_PATIENCE if sight.beat is None else sight.patience
    if silence.stopped >= STOPPED_SAMPLES:
        return "stopped"
    if silence.vitals is None and silence.whole > min(limits.plain, patience):
        return "silent"
    if silence.idle >= limits.idle:
        return "idle"
    if silence.busy >= limits.busy:
        return "busy"
    return "silent" if silence.whole > patience else ""
