"""Why `check` did not ask a method: the true reason stands on a line, above all for a method that was asked for by its name."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from actors.cli.check_text import WIDTH, render_report
from actors.cli.explain import explain_invalid
from actors.cli.missing_server import explain_missing_server
from common.core.builtin.registrars import REGISTRARS
from common.core.builtin.source_kinds import FORBIDDEN, SWITCHED_OFF
from common.core.model.limit import Limit
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.registries.sources import Source, Sources
from tests.actors.test_check import Run, command
from tests.lab.lab import Lab

OFF = {f"{kind}/*": Limit(f"{kind}/*", 0.0, 0) for kind in ("dns", "http", "rdap", "whois", "das", "epp", "registrar")}
SOURCES = Sources(
    [
        Source(method="epp", url="epp.example:700", suffixes=("uk",)),
        Source(method="registrar:gandi", url="https://api.example", suffixes=("uk",)),
    ]
)


@pytest.mark.parametrize(
    ("method", "suffix", "overrides", "said"),
    [
        ("epp", "com", {}, "no account for .com in EPP_ACCOUNTS"),
        ("epp", "uk", OFF, SWITCHED_OFF),
        ("das", "com", {}, "no availability service is known for .com; DAS_SERVERS_FILE can name one"),
        ("das", "dk", {}, "the service of .dk needs a login; DAS_SERVERS_FILE can name another"),
        ("das", "si", {}, "das of .si is not configured (DAS_SUFFIXES)"),
        ("das", "nl", {}, FORBIDDEN),
        ("das", "be", OFF, SWITCHED_OFF),
        ("rdap", "com", OFF, SWITCHED_OFF),
        ("whois", "com", OFF, SWITCHED_OFF),
        ("rdap", "nosuchtld", {}, "no server is known that may be asked for .nosuchtld"),
        ("registrar:gandi", "com", {}, "not asked about .com"),
        ("registrar:gandi", "uk", OFF, SWITCHED_OFF),
        ("dns", "com", OFF, SWITCHED_OFF),
        ("http", "com", OFF, SWITCHED_OFF),
    ],
)
def test_a_missing_server_has_its_true_reason(method: str, suffix: str, overrides: dict[str, Limit], said: str) -> None:
    """Not configured, not for this suffix, switched off, or forbidden by the registry."""
    room = Registries(directory=Directory(), overrides=overrides, recursive_dns=False, iana_host="x.example", sources=SOURCES)

    assert explain_missing_server(room, method, suffix) == said


@pytest.mark.parametrize(("method", "suffix"), [("dns", "com"), ("http", "com"), ("rdap", "com"), ("epp", "uk"), ("das", "be")])
def test_a_server_that_may_be_asked_is_not_missing(method: str, suffix: str) -> None:
    """There is no reason to name."""
    room = Registries(directory=Directory(), overrides={}, recursive_dns=False, iana_host="x.example", sources=SOURCES)

    assert explain_missing_server(room, method, suffix) == ""


def test_a_service_that_is_switched_on_and_forbidden_is_not_blamed_on_the_operator() -> None:
    """Its rate of 0 is built in."""
    directory = Directory(das_suffixes=("nl",))
    room = Registries(directory=directory, overrides={}, recursive_dns=False, iana_host="x.example")

    assert room.server_of("das", "nl") is None
    assert explain_missing_server(room, "das", "nl") == FORBIDDEN


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Three runs against a lab: EPP and DAS by name, EPP where its rate is 0, and as text."""

    async def perform(directory: Path) -> list[Run]:
        async with Lab.start() as lab:
            lab.epp_enabled = lab.das_enabled = True
            environment = lab.environment() | {"STATE_DIR": str(directory)}
            budgets = json.loads((lab.directory / "budgets.json").read_text())
            del budgets[json.loads(environment["EPP_ACCOUNTS"])[0]["host"].partition(":")[0]]
            (directory / "off.json").write_text(json.dumps(budgets))
            named = ("--json", "--methods", "epp,das", "a-name.com")
            return [
                await command(named, environment),
                await command(
                    ("--json", "--methods", "epp", "a-name.org"), environment | {"BUDGETS_FILE": str(directory / "off.json")}
                ),
                await command(("--methods", "epp", "a-name.com"), environment),
            ]

    return asyncio.run(perform(tmp_path_factory.mktemp("unasked")))


def test_a_method_that_is_named_has_a_line_with_its_reason(runs: list[Run]) -> None:
    """Also where the suffix has no account or service, or the rate is 0; what was left out is no obstacle."""
    (named,) = runs[0].reports().values()
    (off,) = runs[1].reports().values()

    assert named["not_asked"]["epp"] == "no account for .com in EPP_ACCOUNTS"
    assert named["not_asked"]["das"].startswith("no availability service is known for .com")
    assert named["not_asked"]["dns"] == "left out by --methods"
    assert off["not_asked"]["epp"] == SWITCHED_OFF
    assert "  epp    not asked: no account for .com in EPP_ACCOUNTS\n" in runs[2].out
    assert not [run for run in runs if "no worker" in run.out + run.err]
    assert [run.code for run in runs] == [3, 3, 3]


@pytest.mark.parametrize("count", [1, 2, len(REGISTRARS)])
def test_unasked_registrars_are_one_line(count: int) -> None:
    """Whatever their number; other methods with the same reason keep their names."""
    report = explain_invalid("a.com", "", "") | {
        "code": None,
        "state": "UNKNOWN",
        "log_odds": {"total": 0.0},
        "p_unregistered": 0.5,
        "not_asked": {"rdap": "the reason", **dict.fromkeys([row.method for row in REGISTRARS[:count]], "the reason")},
    }
    lines = render_report(report, colour=False)
    told = [line for line in lines if "the reason" in line]

    if count == 1:
        assert told == [f"  rdap, {REGISTRARS[0].method} not asked: the reason"]
    else:
        assert told == ["  rdap   not asked: the reason", f"  {count} registrars not asked: the reason"]
    assert max(map(len, lines)) <= WIDTH


def test_a_long_list_of_methods_wraps() -> None:
    """It needs no column of its own."""
    names = [f"method-number-{number}" for number in range(20)]
    report = explain_invalid("a.com", "", "") | {
        "code": None,
        "state": "UNKNOWN",
        "log_odds": {"total": 0.0},
        "p_unregistered": 0.5,
        "not_asked": dict.fromkeys(names, "the reason"),
    }
    lines = render_report(report, colour=False)

    assert max(map(len, lines)) <= WIDTH
    assert all(any(name in line for line in lines) for name in names)
