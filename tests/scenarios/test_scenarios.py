"""All scenarios at once through the real processes: no cause of a false alarm raises one, every honest drop raises one."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from common.core.model.states import State
from tests.lab.faults import FaultTable
from tests.lab.queries import QueryLog
from tests.lab.stack import ROOT
from tests.lab.suffixes import SUFFIXES, also, registrable
from tests.scenarios import dead_channels
from tests.scenarios.__main__ import SCENARIOS
from tests.scenarios.plot import Case, Scenario
from tests.scenarios.stage import Found, path_of
from tests.scenarios.suffixes import FURTHER
from tests.scenarios.table import rows_of, shown

#: Causes of a false "available" that are known; each has to have a scenario.
CAUSES = range(1, 24)


@pytest.mark.timeout(300)
def test_every_scenario_ends_as_wanted() -> None:
    """The whole table, as `make scenarios` prints it; the rows that are wrong are the message."""
    command = (sys.executable, "-m", "tests.scenarios", "--json")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    told = json.loads(done.stdout) if done.stdout else {"rows": [], "trouble": [done.stderr[-2000:]]}
    wrong = [f"{row['scenario']}, {row['name']}: {row['wrong']}" for row in told["rows"] if row["wrong"]]

    assert (wrong, told["trouble"]) == ([], [])
    assert done.returncode == 0


def test_every_known_cause_has_a_scenario() -> None:
    """The numbers 1 to 23, each at least once."""
    covered = {
        int(number) for scenario in SCENARIOS for text in scenario.covers for number in re.findall(r"^cause (\d+)$", text)
    }

    assert covered == set(CAUSES)


def test_scenarios_do_not_share_names_and_every_suffix_has_one() -> None:
    """A name lives once; each suffix that the scenarios bring is used."""
    names = [case.name for scenario in SCENARIOS for case in scenario.cases]
    with also(*FURTHER):
        homes = {name: registrable(name) for name in names}

    assert sorted(names) == sorted(set(names))
    assert all(home is not None and home[0] == name for name, home in homes.items())
    assert {home[1].label for home in homes.values() if home} >= {suffix.label for suffix in FURTHER}
    assert not {suffix.label for suffix in FURTHER} & set(SUFFIXES)


def test_a_dead_channel_disturbs_no_other_scenario() -> None:
    """The suffixes and the servers that misbehave there belong to their scenario alone."""
    with also(*FURTHER):
        at_home = {scenario.name: {_home(case.name) for case in scenario.cases} for scenario in SCENARIOS}
    servers = {suffix.label: suffix.operator for suffix in FURTHER}

    for scenario in dead_channels.SCENARIOS:
        mine = {mischief.server.partition("/")[2] for mischief in scenario.mischief}
        elsewhere = set().union(*(homes for name, homes in at_home.items() if name != scenario.name))
        assert mine <= at_home[scenario.name]
        assert not mine & elsewhere
        assert not {servers[label] for label in mine} & {servers.get(label) for label in elsewhere}


def test_the_path_is_put_together_from_events_and_the_last_state() -> None:
    """A first look at a registered name is no event; the state before the first event tells of it."""
    history = [
        {"seq": 9, "body": {"previous": "PENDING_DELETE", "state": "AVAILABLE"}},
        {"seq": 4, "body": {"previous": "REGISTERED", "state": "PENDING_DELETE"}},
    ]

    assert path_of(history, "AVAILABLE") == ["UNKNOWN", "REGISTERED", "PENDING_DELETE", "AVAILABLE"]
    assert path_of([], "REGISTERED") == ["UNKNOWN", "REGISTERED"]
    assert path_of([], "UNKNOWN") == ["UNKNOWN"]


def _home(name: str) -> str:
    found = registrable(name)
    assert found is not None
    return found[1].label


def test_an_alarm_that_comes_too_late_is_wrong() -> None:
    """Where the case sets a bound; the seconds are shown for every drop that was told, and summed up."""
    cases = (Case("late.com", alarms=1, within=5), Case("soon.com", alarms=1, within=5), Case("slow.com", alarms=1))
    told = {"late.com": 5.1, "soon.com": 4.9, "slow.com": 60.0}
    found = Found(alarms=dict.fromkeys(told, 1), seconds=told)
    rows = rows_of((Scenario("made-up", (), cases),), found, QueryLog(lambda: 1.0))
    text = "\n".join(shown(rows))

    assert {row.name: row.wrong for row in rows if row.wrong} == {
        "late.com": "told 5.1 s after it was free, at most 5 s wanted"
    }
    assert "4.9 s" in text
    assert "60.0 s" in text
    assert "seconds from free to told, 3 names: median 5.1, most 60.0" in text


def test_a_fault_that_was_never_met_is_wrong_unless_the_port_was_closed() -> None:
    """A scenario whose server was never asked shows nothing; a refused connection cannot be counted by the server."""
    table = FaultTable(lambda: 1.0)
    unmet = [table.add("whois/com", "refused"), table.add("whois/com", "empty"), table.add("dns/com", "refused")]
    found = Found(faults=[("made-up", fault) for fault in unmet])
    rows = rows_of((Scenario("made-up", ()),), found, QueryLog(lambda: 1.0))

    assert [(row.name, "while it did " in row.wrong) for row in rows] == [("whois/com", True), ("dns/com", True)]


def test_the_table_shows_what_is_wrong() -> None:
    """A false alarm, a missed one, a wrong last state, an entry that was taken, and a query that must not be sent."""
    scenario = Scenario(
        "made-up",
        ("cause 1",),
        (Case("false.com"), Case("missed.com", alarms=1), Case("ends.com", ends=(State.REGISTERED,)), Case("good.com")),
        refused={"taken.com": "bad_label"},
        unasked=(("whois/elsewhere", ""),),
    )
    found = Found(paths={"good.com": ["UNKNOWN"]}, alarms={"false.com": 1})
    queries = QueryLog(lambda: 1.0)
    queries.add("whois/elsewhere", "good.com", "tcp")
    rows = rows_of((scenario,), found, queries)
    text = "\n".join(shown(rows))

    assert [row.name for row in rows if row.wrong] == ["false.com", "missed.com", "ends.com", "taken.com", "whois/elsewhere"]
    assert "alarms due 1, seen 0, missed 1, false 1; rows not as wanted 5" in text
