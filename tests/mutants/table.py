"""The scores as a table, on the terminal and in the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.mutants.listed import Result

#: Where the table of the last whole run is.
DOCUMENT = "docs/mutants.md"
#: What each column counts, in this order.
COLUMNS = ("mutants", "killed", "late", "tuning", "listed", "survived")
_HEAD = """# Mutants

`make mutants` puts small faults into the modules below, one at a time, and runs the quick tests of each: a statement, an
operand or a filter is deleted, a comparison moved or turned round, "and" and "or" are swapped, a number is one off. This is the
last run; it took {minutes:.0f} minutes on one core.

- **killed**: a test failed; **late**: the tests did not come to their end.
- **tuning**: a constant of the module of 10 or more was one off, and no test minds a tenth or less.
- **listed**: survived for a reason that is given below (`tests/mutants/listed.toml`).
- **survived**: nothing excuses it, so `make mutants` fails.

"""


def print_table(results: Sequence[Result]) -> None:
    """The table, with the seconds that each module took."""
    width = max(len(result.score.module) for result in results)
    print(f"\n{'module':{width}}", *(f"{name:>8}" for name in (*COLUMNS, "seconds")))
    for result in results:
        counts = " ".join(f"{count:8}" for count in _counts(result))
        print(f"{result.score.module:{width}} {counts} {result.score.seconds:8.1f}")


def write_document(path: Path, results: Sequence[Result]) -> None:
    """Write the table and the reasons of what is listed, as Markdown."""
    lines = [_HEAD.format(minutes=sum(result.score.seconds for result in results) / 60)]
    lines.append(_row("module", *COLUMNS) + _row("---", *(["---:"] * len(COLUMNS))))
    lines += [_row(f"`{result.score.module}`", *_counts(result)) for result in results]
    for result in results:
        if result.reasons:
            lines.append(f"\n## `{result.score.module}`\n\n")
            for reason in dict.fromkeys(result.reasons.values()):
                names = [f"  - `{name}`\n" for name, why in result.reasons.items() if why == reason]
                lines += [f"- {reason}\n", *names]
    path.write_text("".join(lines))


def _counts(result: Result) -> tuple[int, ...]:
    score = result.score
    return score.whole, score.killed, score.late, result.tuning, len(result.reasons), len(result.survived)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"
