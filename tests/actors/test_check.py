"""`domain-monitor check`, run as a process against the lab: what it finds out, how it explains it, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from actors.cli import check_text
from actors.cli.deciding_line import LIMIT, deciding_line
from actors.cli.explain import explain_invalid
from common.core.model.evidence import Fields, Observation, Outcome, Reading, unknown_reading
from tests.lab.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
CAST = ("alive.com", "fading.co.uk", "gone-one.com", "kept.org", "lagoon.ws", "free-one.ws", "x.nosuchtld")
DEAD, LIED_ABOUT = "nobody-home.se", ("gone-two.de", "there.de")
ORDERS: dict[str, tuple[str, ...]] = {
    "text": (*CAST, DEAD),
    "json": ("--json", *CAST, *LIED_ABOUT),
    "many": ("--json", *(f"filler-{number:05d}.com" for number in range(30))),
    "dns only": ("--methods", "dns", "alive.com"),
}


class Run(NamedTuple):
    """How one run of the command ended."""

    code: int
    out: str
    err: str
    seconds: float

    def reports(self) -> dict[str, dict[str, Any]]:
        """The reports of `--json` by name."""
        return {report["domain"]: report for report in map(json.loads, self.out.splitlines())}

    def block(self, name: str) -> str:
        """The paragraph about one name."""
        return next(part for part in self.out.split("\n\n") if part.startswith(name))


async def command(arguments: tuple[str, ...], environment: dict[str, str]) -> Run:
    """Run it; it may know nothing but the lab."""
    began = asyncio.get_running_loop().time()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "actors.cli.main",
        "check",
        *arguments,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    code = child.returncode if child.returncode is not None else -1
    return Run(code, out.decode(), err.decode(), asyncio.get_running_loop().time() - began)


async def perform(directory: Path) -> dict[str, Run]:
    """Every run, side by side, against one lab."""
    async with Lab.start() as lab:
        registry = lab.registry
        registry.populate("com", 30)
        for name in ("alive.com", "lagoon.ws", "fading.co.uk"):
            registry.register(name, age_years=4)
        registry.expire("fading.co.uk", ago_days=94)
        registry.delete("fading.co.uk", ago_days=64)
        registry.pending_delete("fading.co.uk", ago_days=3)
        registry.reserve("kept.org")
        registry.register("there.de", age_years=2)
        lab.faults.add("dns/se", "refused")
        lab.faults.add("whois/se", "refused")
        lab.faults.add("rdap/de", "lying-404")
        await lab.settle()
        environment = lab.environment() | {"STATE_DIR": str(directory)}
        runs = await asyncio.gather(*(command(arguments, environment) for arguments in ORDERS.values()))
    return dict(zip(ORDERS, runs, strict=True))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The runs by name."""
    return asyncio.run(perform(tmp_path_factory.mktemp("check")))


def test_every_name_gets_the_state_that_its_registry_means(runs: dict[str, Run]) -> None:
    """Registered, in its last days, free after two passes with canaries, reserved, under a wildcard suffix, and no name."""
    states = {name: report["state"] for name, report in runs["json"].reports().items()}

    assert states == {
        "alive.com": "REGISTERED",
        "fading.co.uk": "PENDING_DELETE",
        "gone-one.com": "AVAILABLE",
        "kept.org": "RESERVED",
        "lagoon.ws": "REGISTERED",
        "free-one.ws": "AVAILABLE",
        "x.nosuchtld": "INVALID",
        "gone-two.de": "AVAILABLE",
        "there.de": "REGISTERED",
    }


def test_the_exit_code_says_whether_everything_is_decided(runs: dict[str, Run]) -> None:
    """0 for all decided; a dead registry or a name that cannot be monitored makes it 3."""
    assert {name: run.code for name, run in runs.items()} == {"text": 3, "json": 3, "many": 0, "dns only": 0}


def test_the_text_shows_servers_queries_and_conclusions(runs: dict[str, Run]) -> None:
    """Query, address, answer, finding with weight, canaries, and the verdict with its factors; nothing wider than a page."""
    block = runs["text"].block("gone-one.com")

    assert "gone-one.com  AVAILABLE  confidence 0.99" in block
    assert "NS gone-one.com @ zone com, 127." in block
    assert "/com/v1/domain/gone-one.com (" in block
    assert "domain gone-one.com @ 127." in block
    assert "NXDOMAIN" in block
    assert "HTTP 404: an empty body" in block
    assert 'No match for "GONE-ONE.COM".' in block
    assert "=> unregistered, weight +4.5 (whois_free)" in block
    assert block.count("canaries green: canary-one.com found, a made-up name denied") == 3
    assert "P(unregistered) 1.0000 from log-odds" in block
    assert "rho 0.995" in block
    assert "2 whole passes" in block
    assert max(map(len, runs["text"].out.splitlines())) <= 100
    assert "\x1b" not in runs["text"].out


def test_the_calendar_and_what_was_not_asked_are_told(runs: dict[str, Run]) -> None:
    """A name in its last days has its window; methods that stayed silent have their reason."""
    block = runs["text"].block("fading.co.uk")
    assert "drop     expected 2" in block
    assert "whois  not asked: not needed, the others decide" in block

    wild = runs["text"].block("lagoon.ws")
    assert "dns, http not asked: .ws answers for names nobody registered" in wild


def test_a_dead_registry_is_told_as_such_and_proves_nothing(runs: dict[str, Run]) -> None:
    """Every server that gave no answer is named with what happened, and the end comes in time."""
    block = runs["text"].block(DEAD)

    assert f"{DEAD}  UNKNOWN" in block
    assert "=> unknown, no weight (whois_turned_away)" in block
    assert "refused the connection" in block
    assert re.search(r"^  dns    not asked: left alone for \d+ s, because ", block, re.MULTILINE)
    assert "limit    no answer from any channel: " in block
    assert runs["text"].seconds < 45


def test_a_lying_server_is_found_out_by_its_canary(runs: dict[str, Run]) -> None:
    """RDAP denies everything: the others decide, about a name that is there and about one that is not."""
    reports = runs["json"].reports()

    assert "quarantine" in reports["gone-two.de"]["not_asked"]["rdap"]
    assert set(reports["gone-two.de"]["checks"]) == {"dns", "whois"}
    assert reports["there.de"]["p_unregistered"] < 0.005
    assert reports["gone-two.de"]["seconds"] < 30


def test_the_json_has_the_same_keys_for_every_name(runs: dict[str, Run]) -> None:
    """One object a line, whatever was found out."""
    reports = runs["json"].reports()
    (keys,) = {tuple(report) for report in reports.values()}
    check = reports["gone-one.com"]["checks"]["rdap"]

    assert keys == tuple(explain_invalid("x", "code", "reason"))
    assert check["query"].endswith("/com/v1/domain/gone-one.com")
    assert (check["status"], check["outcome"], check["weight"]) == (404, "unregistered", pytest.approx(4.5, abs=0.1))
    assert check["canary"]["bracketed"] is True
    assert {(asked["registered"], asked["outcome"]) for asked in check["canaries"]} == {
        (True, "registered"),
        (False, "unregistered"),
    }
    assert reports["x.nosuchtld"]["code"] == "unknown_suffix"
    assert sum(value for part, value in reports["gone-one.com"]["log_odds"].items() if part != "total") == pytest.approx(
        reports["gone-one.com"]["log_odds"]["total"], abs=0.01
    )


def test_progress_is_for_terminals(runs: dict[str, Run]) -> None:
    """Where standard error is none, not one word of it is written there, however many names there are."""
    many = runs["many"]

    assert many.err == ""
    assert len(many.reports()) == 30
    assert {report["state"] for report in many.reports().values()} == {"REGISTERED"}


def test_methods_can_be_chosen(runs: dict[str, Run]) -> None:
    """Only what was named is asked; the others say why they were not."""
    block = runs["dns only"].out

    assert "=> registered, weight -9.2 (dns_auth_referral)" in block
    assert "http, rdap, whois not asked: left out by --methods" in block


def test_bad_usage_and_bad_settings_end_with_two(tmp_path: Path) -> None:
    """An unknown method and a file that is not there are the caller's mistakes; a wrong name is not."""
    wrong = tmp_path / "budgets.json"
    wrong.write_text("{", encoding="utf-8")

    async def story() -> None:
        environment = {"STATE_DIR": str(tmp_path)}
        method, settings, budgets, name = await asyncio.gather(
            command(("--methods", "dns,crystal-ball", "a.com"), environment),
            command(("a.com",), {**environment, "CANARIES_FILE": str(tmp_path / "nothing.json")}),
            command(("a.com",), {**environment, "BUDGETS_FILE": str(wrong)}),
            command(("com",), environment),
        )

        assert (method.code, method.out) == (2, "")
        assert method.err.startswith("domain-monitor: unknown method: crystal-ball")
        assert (settings.code, settings.out) == (2, "")
        assert settings.err.startswith("domain-monitor: CANARIES_FILE: ")
        assert (budgets.code, budgets.out) == (2, "")
        assert budgets.err.startswith("domain-monitor: BUDGETS_FILE: ")
        assert name.code == 3
        assert "com  INVALID  public_suffix" in name.out

    asyncio.run(story())


# -- the layout ----------------------------------------------------------------------------------------------------------


def test_colours_are_for_terminals_and_hostile_text_stays_text() -> None:
    """Control characters of an answer are shown, never sent; the state is coloured only where asked for."""
    report = explain_invalid("\x1b[31mevil.com", "bad_character", "contains \x1b")
    plain, coloured = check_text.render_report(report, colour=False), check_text.render_report(report, colour=True)

    assert "\x1b" not in "".join(plain)
    assert plain[0] == "\\x1b[31mevil.com  INVALID  bad_character"
    assert coloured[0] == "\x1b[1m\\x1b[31mevil.com\x1b[0m  \x1b[31mINVALID\x1b[0m  bad_character"


@pytest.mark.parametrize(
    ("observation", "line"),
    [
        (
            Observation("dns", unknown_reading("x", "y"), excerpt="NOERROR\nquestion a.com NS\nNS one\nNS two"),
            "NOERROR, NS one and 1 more",
        ),
        (Observation("rdap", unknown_reading("x", "y"), status=404), "an empty body"),
        (Observation("rdap", unknown_reading("rdap_timeout", "y")), ""),
        (Observation("rdap", unknown_reading("x", "y"), status=429, excerpt="<html>busy</html>\nmore"), "<html>busy</html>"),
        (
            Observation("rdap", unknown_reading("x", "y"), status=404, excerpt='{"title":"Not Found","description":["a","b"]}'),
            "Not Found: a: b",
        ),
        (Observation("rdap", unknown_reading("x", "y"), status=404, excerpt="[1, 2]"), "[1, 2]"),
        (
            Observation("whois", unknown_reading("x", "its line: NOT FOUND"), excerpt="Welcome\nNOT FOUND\nBye"),
            "NOT FOUND",
        ),
        (Observation("whois", unknown_reading("whois_empty", "nothing"), excerpt=""), ""),
        (Observation("whois", unknown_reading("x", "y"), excerpt="w" * 2000), "w" * (LIMIT - 3) + "..."),
        (
            Observation(
                "whois",
                Reading(
                    Outcome.REGISTERED,
                    "whois_registered",
                    "y",
                    fields=Fields(expires_at="2027-01-31T00:00:00Z", registrar="R", statuses=("ok",)),
                ),
                excerpt="Welcome",
            ),
            "ok; expires 2027-01-31; R",
        ),
    ],
)
def test_the_decisive_line_of_an_answer(observation: Observation, line: str) -> None:
    """What a person would look for, whatever the server sent."""
    assert deciding_line(observation) == line
