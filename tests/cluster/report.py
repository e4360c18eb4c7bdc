"""The table at the end: faults by kind, and what came of them."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from tests.cluster.campaign import Outcome
from tests.cluster.invariants import gaps_of, next_leader, times_by_name, told_at


def rows_of(outcome: Outcome) -> list[str]:
    """The lines of the table."""
    found = outcome.found
    asked = times_by_name(found.queries, found.steady)
    by_kind: dict[str, list[tuple[float | None, float, float]]] = defaultdict(list)
    for fault in found.faults:
        epoch = next_leader(fault, found.epochs) if fault.takeover is not None else None
        gap = max(gaps_of(fault, asked, found.until).values(), default=0.0)
        by_kind[fault.kind].append((epoch.at - fault.began if epoch else None, gap, outcome.recovered[fault.number]))
    lines = [f"{'fault':32} {'times':>5} {'next leader, s':>16} {'longest gap, s':>16} {'whole again, s':>16}"]
    for kind, rows in sorted(by_kind.items()):
        leaders = [row[0] for row in rows if row[0] is not None]
        lines.append(
            f"{kind:32} {len(rows):5} {_pair(leaders)} {_pair([row[1] for row in rows])} {_pair([row[2] for row in rows])}"
        )
    return [*lines, "", *_summary(outcome)]


def _summary(outcome: Outcome) -> list[str]:
    found = outcome.found
    told = told_at(found)
    took = [at - found.freed[name][number] for (name, number), at in told.items() if number < len(found.freed.get(name, []))]
    purges = sum(map(len, found.freed.values()))
    accepted = [post.event.id for post in found.posts if post.accepted]
    lost = sum(text.startswith(("lost", "vanished", "untold")) for text in outcome.violations)
    second = sum(text.startswith(("second", "one id")) for text in outcome.violations)
    times = f"median {median(took):.1f} s, worst {max(took):.1f} s" if took else "none"
    posts = f"{len(found.posts)} posts, {len(accepted) - len(set(accepted))} duplicates under the same id"
    gaps = outcome.proxy_gaps
    return [
        f"{len(found.faults)} faults, {len(found.epochs)} epochs, {purges} purges, {len(told)} told ({times})",
        f"{len(found.stored)} events in the store, {len(set(accepted))} accepted, {posts}",
        f"lost {lost}, under a second id or body {second}, violations {len(outcome.violations)}",
        f"the proxy found no instance that is well {len(gaps)} times, for {max(gaps, default=0.0):.1f} s at most",
    ]


def _pair(values: list[float]) -> str:
    return f"{median(values):7.1f} / {max(values):6.1f}" if values else f"{'-':>16}"
