"""What happened to a drop between its purge and its notice: the questions that the lab's servers noted, and the event. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tests.bench.numbers import of_values
from tests.lab.customer import Received
from tests.lab.queries import Query

#: Servers of a registry that show registrations; the first of them that a suffix has sets the pace.
REGISTRY = ("rdap/", "whois/", "das/")
#: Questions to one server closer than this, in seconds, belong to one look at a name.
ONE_LOOK = 3.0
MISSING = float("nan")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Seconds after the purge; NaN where a step was not seen. `questions` are those about the name until its event.

    `looks` is the median number of seconds between two looks before the purge.
    """

    looks: float
    first_denied: float
    last_denied: float
    canaries: float
    recorded: float
    posted: float
    questions: int


TEXTS = {
    "looks": "between two looks before the purge",
    "first_denied": 'first "no object" asked of the registry',
    "last_denied": "... last question about the name before the event",
    "canaries": "... last canary of its servers before the event",
    "recorded": "event recorded",
    "posted": "callback accepted",
    "questions": "questions to the registry about the name, number",
}


class Questions:
    """The questions of a run to registries, oldest first, in all and by name."""

    def __init__(self, asked: Iterable[Query]) -> None:
        self.all = [query for query in asked if query.server.startswith(REGISTRY)]
        self.about: dict[str, list[Query]] = defaultdict(list)
        for query in self.all:
            self.about[query.name].append(query)

    def between(self, begin: float, end: float) -> Sequence[Query]:
        """Those of a time, in epoch seconds."""
        first, last = (bisect_right(self.all, at, key=lambda query: query.at) for at in (begin, end))
        return self.all[first:last]


def timeline_of(name: str, freed: float, notice: Received, questions: Questions, watched: Collection[str]) -> Timeline:
    """The time line of one drop; `watched` are the names on the list, of which none is a canary."""
    recorded = float(str(notice.data.get("timestamp", "nan")))
    about = [query for query in questions.about[name] if freed <= query.at <= recorded]
    servers = {query.server for query in about}
    others = (query for query in questions.between(freed, recorded) if query.server in servers)
    canaries = [query.at for query in others if query.name not in watched]
    return Timeline(
        looks=_seconds_between_looks([query for query in questions.about[name] if query.at < freed]),
        first_denied=min((query.at for query in about), default=MISSING) - freed,
        last_denied=max((query.at for query in about), default=MISSING) - freed,
        canaries=max(canaries, default=MISSING) - freed,
        recorded=recorded - freed,
        posted=notice.at - freed,
        questions=len(about),
    )


def _seconds_between_looks(asked: Sequence[Query]) -> float:
    """The median number of seconds between looks by the method that was asked most; NaN of fewer than two."""
    times: dict[str, list[float]] = defaultdict(list)
    for query in asked:
        known = times[query.server]
        if not known or query.at - known[-1] >= ONE_LOOK:
            known.append(query.at)
    most = max(times.values(), key=len, default=[])
    return median(later - earlier for earlier, later in pairwise(most)) if len(most) > 1 else MISSING


def shown(lines: Collection[Timeline]) -> list[str]:
    """Median, 90th percentile and most of each step, as lines of a table."""
    return [
        f"{'seconds after the purge':52} {'median':>7} {'p90':>7} {'most':>7}",
        *(f"{text:52} {_quantiles([float(getattr(line, key)) for line in lines])}" for key, text in TEXTS.items()),
    ]


def _quantiles(values: Iterable[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    return " ".join(f"{of_values(known, share):7.2f}" for share in (0.5, 0.9, 1.0))
