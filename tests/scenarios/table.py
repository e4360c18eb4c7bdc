"""Judges what came of the scenarios, and prints it as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from common.core.model.states import State
from tests.lab.faults import Fault
from tests.lab.queries import QueryLog
from tests.scenarios.plot import Case, Scenario
from tests.scenarios.stage import Found

INVALID = State.INVALID.value


@dataclass(frozen=True, slots=True)
class Row:
    """One name in one scenario. `wrong` says what is not as wanted, "" where all is.

    `seconds` passed from the moment the name was free to the first alarm; None where it never was freed, or none came.
    """

    scenario: str
    covers: str
    name: str
    states: tuple[str, ...]
    wanted: int
    got: int
    wrong: str = ""
    seconds: float | None = None


def rows_of(scenarios: Sequence[Scenario], found: Found, queries: QueryLog) -> list[Row]:
    """Every name and every refused entry, and a row for each question or misdeed that was not as planned."""
    rows: list[Row] = []
    for scenario in scenarios:
        covers = ", ".join(scenario.covers)
        rows += [_case(scenario.name, covers, case, found) for case in scenario.cases]
        rows += [_refused(scenario.name, covers, entry, code, found) for entry, code in scenario.refused.items()]
        rows += [_judged(scenario.name, covers, str(line["domain"]), found) for line in scenario.recorded]
        for server, name in scenario.unasked:
            asked = [q for q in queries.find() if _meant(q.server, server) and (not name or q.name == name)]
            if asked:
                wrong = f"{len(asked)} questions to {asked[0].server} that nobody should ask"
                rows.append(Row(scenario.name, covers, name or server, (), 0, 0, wrong))
        for server, most in scenario.most.items():
            if queries.by_server[server] > most:
                wrong = f"{queries.by_server[server]} questions to {server}, at most {most} wanted"
                rows.append(Row(scenario.name, covers, server, (), 0, 0, wrong))
    covers_of = {scenario.name: ", ".join(scenario.covers) for scenario in scenarios}
    spared = {server for scenario in scenarios for server, _ in scenario.unasked}
    for name, fault in found.faults:
        if not fault.met and fault.server not in spared and not _deaf(fault):
            wrong = f"{fault.server} was never asked while it did {fault.kind}: the scenario shows nothing"
            rows.append(Row(name, covers_of[name], fault.server, (), 0, 0, wrong))
    return sorted(rows, key=lambda row: list(covers_of).index(row.scenario))


def _deaf(fault: Fault) -> bool:
    """Whether the server cannot know that it was asked: its port is closed."""
    return fault.server.startswith("whois/") and fault.kind == "refused"


def _meant(server: str, wanted: str) -> bool:
    return server.startswith(wanted) if wanted.endswith("/") or not wanted else server == wanted


def _case(scenario: str, covers: str, case: Case, found: Found) -> Row:
    path, got = found.paths.get(case.name, []), found.alarms.get(case.name, 0)
    missing = [state.value for state in case.through if state.value not in path]
    seconds = found.seconds.get(case.name)
    wrong = ""
    if got != case.alarms:
        wrong = f"alarms: {got} instead of {case.alarms} ({found.reasons.get(case.name, '')})"
    elif case.ends and (not path or path[-1] not in case.ends):
        wrong = f"it should end as {' or '.join(state.value for state in case.ends)} ({found.reasons.get(case.name, '')})"
    elif missing:
        wrong = f"it never was {', '.join(missing)}"
    elif case.within is not None and seconds is not None and seconds > case.within:
        wrong = f"told {seconds:.1f} s after it was free, at most {case.within:g} s wanted"
    return Row(scenario, covers, case.name, tuple(path), case.alarms, got, wrong, seconds)


def _refused(scenario: str, covers: str, entry: str, code: str, found: Found) -> Row:
    seen = found.problems.get(entry)
    wrong = "" if seen == code else f"refused as {seen or 'nothing at all'} instead of {code}"
    return Row(scenario, covers, entry, (INVALID,) if seen else (), 0, found.alarms.get(entry, 0), wrong)


def _judged(scenario: str, covers: str, name: str, found: Found) -> Row:
    state = str(found.judged.get(name, {}).get("state", ""))
    got = int(state == State.AVAILABLE.value)
    wrong = "no verdict" if not state else "judged as available" if got else ""
    return Row(scenario, covers, name, (f"judged {state}",), 0, got, wrong)


def shown(rows: list[Row]) -> list[str]:
    """The table, its count, and where every state appears."""
    heads = ("scenario", "covers", "name", "states passed through", "wanted", "told after", "got")
    cells = [
        (
            row.scenario if new else "",
            _cut(row.covers if new else "", 40),
            _cut(row.name, 30),
            " > ".join(row.states),
            str(row.wanted),
            "" if row.seconds is None else f"{row.seconds:.1f} s",
            str(row.got) + ("" if not row.wrong else "  << WRONG"),
        )
        for row, new in zip(rows, _firsts(rows), strict=True)
    ]
    widths = [max(len(line[column]) for line in (heads, *cells)) for column in range(len(heads))]
    lines = [_line(heads, widths), "  ".join("-" * width for width in widths)]
    lines += [_line(line, widths) for line in cells]
    return [*lines, "", *_summary(rows), "", *_states(rows)]


def _firsts(rows: list[Row]) -> list[bool]:
    return [index == 0 or rows[index - 1].scenario != row.scenario for index, row in enumerate(rows)]


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _summary(rows: list[Row]) -> list[str]:
    wrong = [row for row in rows if row.wrong]
    due = sum(row.wanted for row in rows)
    seen = sum(min(row.wanted, row.got) for row in rows)
    false = sum(max(0, row.got - row.wanted) for row in rows)
    scenarios = len({row.scenario for row in rows})
    counts = f"alarms due {due}, seen {seen}, missed {due - seen}, false {false}; rows not as wanted {len(wrong)}"
    told = [f"wrong: {row.scenario}, {row.name}: {row.wrong}" for row in wrong]
    return [*told, f"{scenarios} scenarios, {len(rows)} rows: {counts}", *_waits(rows)]


def _waits(rows: list[Row]) -> list[str]:
    seconds = [row.seconds for row in rows if row.seconds is not None]
    if not seconds:
        return []
    return [f"seconds from free to told, {len(seconds)} names: median {median(seconds):.1f}, most {max(seconds):.1f}"]


def _states(rows: list[Row]) -> list[str]:
    lines = ["where each state appears:"]
    for state in State:
        places = list(dict.fromkeys(row.scenario for row in rows if state.value in row.states))
        more = f" and {len(places) - 4} more" if len(places) > 4 else ""
        lines.append(f"  {state.value:<18} {', '.join(places[:4]) or 'NOWHERE'}{more}")
    return lines


def unseen_states(rows: list[Row]) -> list[str]:
    """States that appear nowhere."""
    return [state.value for state in State if all(state.value not in row.states for row in rows)]
