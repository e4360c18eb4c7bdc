"""Detect a process that hangs, and tell it from one that waits for a CPU: by its heartbeats and by how it spent the time since.

Seconds alone cannot tell: under load a healthy process may go without a CPU for ten of them. So the time since the last
heartbeat is divided: what the process slept although it could have sent a heartbeat (`idle`), what it computed (`busy`), and
what it waited for a CPU or a disk, which counts for neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace

#: Seconds between two samples from which the detector itself was stopped (a paused container, a suspended machine): start anew.
PAUSED_AFTER = 5.0
#: Most seconds that one sample adds: a detector that gets no CPU must not blame other processes.
LONGEST_STEP = 2.0
#: Samples in a row that have to find a process stopped (SIGSTOP).
STOPPED_SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Vitals:
    """The kernel's figures of a process (proc_pid_stat(5)). Times in seconds since its start.

    `state`: R runs or wants to, S sleeps, D waits for a disk, T was stopped, ...; `cpu`: time it computed; `delayed`: time its
    threads waited for a CPU, None where the kernel does not say.
    """

    state: str
    cpu: float
    delayed: float | None


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """One process at one moment. `beat`: time of its last heartbeat, None before the first; `patience`: most seconds without.

    `vitals` is None where the kernel gives no figures: then only the seconds without a heartbeat count.
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
    _: KW_ONLY
    idle: float = 0.0
    busy: float = 0.0
    whole: float = 0.0
    stopped: int = 0


class HangDetector:
    """Finds processes that hang from samples taken about once a second."""

    def __init__(self) -> None:
        self._silences: dict[str, _Silence] = {}
        self._sampled_at: float | None = None

    def find_hung(self, samples: Iterable[ProcessSample], moment: float) -> list[Hung]:
        """The processes that hang by this sample, each reported once. `moment` in seconds of a monotonic clock."""
        step = 0.0 if self._sampled_at is None else moment - self._sampled_at
        self._sampled_at = moment
        known = self._silences if step <= PAUSED_AFTER else {}
        silences: dict[str, _Silence] = {}
        hung = []
        for sample in samples:
            silence = _extend_silence(known.get(sample.name), sample, min(step, LONGEST_STEP))
            why = _why_hung(silence, sample)
            if why:
                hung.append(Hung(sample.name, sample.pid, why))
            else:
                silences[sample.name] = silence
        self._silences = silences
        return hung


def _extend_silence(before: _Silence | None, sample: ProcessSample, step: float) -> _Silence:
    mark = (sample.pid, sample.beat)
    stopped = sample.vitals is not None and sample.vitals.state == "T"
    if before is None or before.mark != mark:
        return _Silence(mark, sample.vitals, stopped=int(stopped))
    idle, busy = _split_time(before.vitals, sample.vitals, step)
    return replace(
        before,
        vitals=sample.vitals,
        idle=before.idle + idle,
        busy=before.busy + busy,
        whole=before.whole + step,
        stopped=before.stopped + 1 if stopped else 0,
    )


def _split_time(before: Vitals | None, after: Vitals | None, step: float) -> tuple[float, float]:
    """(seconds slept without need, seconds computed) between two samples.

    A process that is about to run did not sleep: the kernel adds a wait for a CPU to `delayed` only once it is over.
    """
    if before is None or after is None:
        return 0.0, 0.0
    busy = max(0.0, after.cpu - before.cpu)
    if after.state in {"D", "R"}:
        return 0.0, busy
    delayed = 0.0 if before.delayed is None or after.delayed is None else max(0.0, after.delayed - before.delayed)
    return max(0.0, step - busy - delayed), busy


def _why_hung(silence: _Silence, sample: ProcessSample) -> str:
    """Why this process hangs; "" where it does not."""
    limits = STARTING if sample.beat is None else WORKING
    patience = STARTING_PATIENCE if sample.beat is None else sample.patience
    if silence.stopped >= STOPPED_SAMPLES:
        return "stopped"
    if silence.vitals is None and silence.whole > min(limits.plain, patience):
        return "silent"
    if silence.idle >= limits.idle:
        return "idle"
    if silence.busy >= limits.busy:
        return "busy"
    return "silent" if silence.whole > patience else ""
