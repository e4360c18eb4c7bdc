"""`domain-monitor sources`: what is listed without a stack, from the store, and from a running instance."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from actors.cli import sources
from actors.cli.main import main
from actors.cli.sources_text import render_sources
from common import codec
from common.clock import now
from common.config import Settings, load
from common.core.builtin.registrars import REGISTRARS
from common.core.model.evidence import Observation, unknown_reading
from common.core.model.limit import Limit
from common.core.model.records import Changes, TrustRow
from common.core.model.source_row import Configured, Entitled, SourceBudget, SourceRow, SourceTrust, Trusted
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.saved import encode_saved
from common.store.database_file import generation_path
from tests.actors.control_lab import Lab, serving
from tests.http_thread import reply
from tests.http_thread import serving as answering
from tests.lab import net
from tests.store.builders import open_next

KEYS = {"CLOUDFLARE_ACCOUNT_ID": "account-1", "CLOUDFLARE_API_TOKEN": "planted-token-1"}
REFUSED = Observation("registrar:cloudflare", unknown_reading("registrar_refused", "our key is refused (HTTP 401)"), status=401)


def settings_of(directory: Path, **environ: str) -> Settings:
    """Settings of an instance whose control process is not there."""
    return load({"STATE_DIR": str(directory), "INSTANCE_ID": "here", "CONTROL_PORT": str(net.free_port()), **environ})


def rows_of(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The rows by method; of several with one method the first."""
    return {row["method"]: row for row in reversed(report["sources"])}


def stored(settings: Settings) -> None:
    """A store in which a registrar refuses the key, another is verified, and a channel was silent."""
    moment, budgets = now(), Budgets()
    budgets.note_answer(Limit("registrar/cloudflare", 0.5, 3), "default", REFUSED, moment - 60)
    trust = TrustRow("registrar:gandi", "api.gandi.net", "com", moment - 9, moment - 8)
    writer = open_next(settings)
    writer.apply(Changes(trust=[trust], meta={"budgets": encode_saved(budgets.take_saved())}))
    writer.close()


# -- from the settings ---------------------------------------------------------------------------------------------------


def test_every_source_is_listed_without_a_stack(tmp_path: Path) -> None:
    """What is open to all, services, accounts and every registrar, with what it needs; and what to do next."""
    report = sources.collect_sources(settings_of(tmp_path))
    rows = rows_of(report)

    assert [row["method"] for row in report["sources"]][:4] == ["dns", "http", "rdap", "whois"]
    assert {"das", "epp", *(row.method for row in REGISTRARS)} <= rows.keys()
    assert rows["registrar:gandi"]["missing"] == ("GANDI_TOKEN",)
    assert rows["registrar:gandi"]["configured"] == "no"
    assert {row["origin"]["from"] for row in report["sources"]} == {"settings"}
    assert report["notes"] == []
    assert "No registrar is configured" in report["next"][0]
    assert "Nothing runs here" in report["next"][1]


def test_a_configured_registrar_and_a_sandbox_are_told_apart(tmp_path: Path) -> None:
    """Only part of the settings is not enough; a sandbox proves nothing."""
    more = {"GANDI_TOKEN": "planted-token-2", "REGISTRAR_SANDBOX": "gandi", "INWX_USERNAME": "me"}
    report = sources.collect_sources(settings_of(tmp_path, **KEYS, **more))
    rows = rows_of(report)

    assert [rows[f"registrar:{vendor}"]["configured"] for vendor in ("cloudflare", "gandi", "inwx")] == ["yes", "sandbox", "no"]
    assert rows["registrar:inwx"]["missing"] == ("INWX_PASSWORD",)
    assert rows["registrar:cloudflare"]["entitled"] == "unknown"
    assert "--methods registrar" in report["next"][0]


def test_a_rate_of_zero_is_shown_as_switched_off(tmp_path: Path) -> None:
    """A registrar with its keys is not one without them."""
    (tmp_path / "budgets.json").write_text('{"registrar/*": {"rate": 0}}')
    report = sources.collect_sources(settings_of(tmp_path, **KEYS, BUDGETS_FILE=str(tmp_path / "budgets.json")))
    lines = render_sources(report)
    place = next(place for place, line in enumerate(lines) if line.startswith("registrar:cloudflare"))

    assert lines[place].split()[:2] == ["registrar:cloudflare", "no"]
    assert lines[place + 1].strip() == "switched off by a rate of 0 in BUDGETS_FILE"
    assert "0/s" not in lines[place]
    assert "No registrar is configured" not in report["next"][0]


def test_the_keys_of_a_row_are_stable(tmp_path: Path) -> None:
    """Programs read them; each is there in every row."""
    report = sources.collect_sources(settings_of(tmp_path, **KEYS))
    (keys,) = {tuple(row) for row in report["sources"]}

    assert keys == (
        "method", "title", "server", "suffixes", "configured", "missing", "entitled", "entitled_reason", "trust", "budget",
        "last_success", "trouble", "proves", "terms", "origin",
    )  # fmt: skip
    assert set(report["sources"][0]["trust"]) == {"state", "verified", "channels", "quarantined_until", "reason"}
    budget = {"rate", "tokens", "used_today", "per_day", "operators", "blocked", "blocked_until", "reason"}
    assert set(report["sources"][0]["budget"]) == budget
    assert set(report) == {"timestamp", "notes", "next", "sources"}


def test_the_command_prints_text_or_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0; a file that is wrong is 2."""
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("CONTROL_PORT", str(net.free_port()))
    assert main(["sources", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"]
    assert main(["sources"]) == 0
    assert "registrar:cloudflare" in capsys.readouterr().out

    (tmp_path / "budgets.json").write_text("{", encoding="utf-8")
    monkeypatch.setenv("BUDGETS_FILE", str(tmp_path / "budgets.json"))
    assert main(["sources"]) == 2
    assert "BUDGETS_FILE" in capsys.readouterr().err


# -- from the store ------------------------------------------------------------------------------------------------------


def test_the_store_says_what_was_learned(tmp_path: Path) -> None:
    """A refused key with its next try, a verified registrar, and how old that is; the store is only read."""
    settings = settings_of(tmp_path, **KEYS, GANDI_TOKEN="planted-token-2")
    stored(settings)
    os.utime(settings.store_path, (now() - 120, now() - 120))
    report = sources.collect_sources(settings)
    rows = rows_of(report)

    cloudflare = rows["registrar:cloudflare"]
    said = "our key is refused (HTTP 401), next try in 14 min, or at once after POST /budgets/registrar/cloudflare/reset"
    assert (cloudflare["entitled"], cloudflare["trouble"]) == ("no", said)
    assert (rows["registrar:gandi"]["trust"]["state"], rows["registrar:gandi"]["entitled"]) == ("verified", "yes")
    origin = cloudflare["origin"]
    assert (origin["from"], origin["place"]) == ("store", str(settings.store_path))
    assert 110 < origin["age"] < 300
    assert len(report["next"]) == 1
    assert sources.collect_sources(settings)["sources"][0]["origin"]["age"] > 110


def test_the_store_is_the_file_of_the_highest_generation(tmp_path: Path) -> None:
    """Its place says which one was read."""
    settings = settings_of(tmp_path, **KEYS)
    stored(settings)
    later = generation_path(settings.store_path, 3)
    settings.store_path.replace(later)
    origin = rows_of(sources.collect_sources(settings))["registrar:cloudflare"]["origin"]

    assert (origin["from"], origin["place"]) == ("store", str(later))


def test_a_store_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The rest comes from the settings."""
    settings = settings_of(tmp_path)
    settings.store_path.write_bytes(b"no database at all" * 100)
    report = sources.collect_sources(settings)

    assert len(report["notes"]) == 1
    assert str(settings.store_path) in report["notes"][0]
    assert {row["origin"]["from"] for row in report["sources"]} == {"settings"}


# -- from a running instance ---------------------------------------------------------------------------------------------


def told(**changes: Any) -> list[Any]:
    """What an instance says of one registrar and one method."""
    row = SourceRow(
        method="registrar:cloudflare",
        title="Cloudflare Registrar",
        server="api.example",
        configured=Configured.YES,
        proves="it can be created now",
        entitled=Entitled.NO,
        trouble="our key is refused, next try in 9 min",
    )
    dns = SourceRow(method="dns", title="DNS", configured=Configured.YES, proves="delegated", entitled=Entitled.YES)
    extra = SourceRow(method="epp", title="EPP", server="epp.example:700", configured=Configured.YES, proves="it")
    return [{**codec.plain(one), **changes} for one in (row, dns, extra)]


def asked(tmp_path: Path, *, instance: str = "here", environ: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    """The report while a control process runs that heard this status."""

    async def story() -> dict[str, Any]:
        async with serving(Lab(tmp_path / "control", INSTANCE_ID=instance)) as lab:
            lab.all_beat()
            lab.speak(**status)
            lab.clock.at += 3
            port = lab.url.rpartition(":")[2]
            settings = load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "here", "CONTROL_PORT": port, **(environ or {})})
            return await asyncio.to_thread(sources.collect_sources, settings)

    return asyncio.run(story())


def test_a_running_instance_knows_best(tmp_path: Path) -> None:
    """Its rows take the places of ours, what else it has comes last; absent sources are listed from the settings."""
    report = asked(tmp_path, environ=KEYS, sources=told())
    rows = rows_of(report)

    assert rows["registrar:cloudflare"]["trouble"] == "our key is refused, next try in 9 min"
    assert rows["registrar:cloudflare"]["origin"]["from"] == "instance"
    assert rows["registrar:cloudflare"]["origin"]["age"] == 3.0
    assert rows["registrar:gandi"]["origin"]["from"] == "settings"
    assert report["sources"][-1]["server"] == "epp.example:700"
    assert report["notes"] == []


def test_a_source_that_the_instance_does_not_have_says_so(tmp_path: Path) -> None:
    """A key that was set after its start takes effect with a restart."""
    report = asked(tmp_path, environ={"GANDI_TOKEN": "planted-token-2"}, sources=told())

    assert rows_of(report)["registrar:gandi"]["trouble"] == "the running instance does not have it: restart it"
    assert rows_of(report)["registrar:namecom"]["trouble"] == ""


@pytest.mark.parametrize(
    ("instance", "rows", "said"),
    [
        ("another", told(), "belongs to another instance"),
        ("here", told(configured="perhaps"), "says nothing of sources"),
        ("here", "rows", "says nothing of sources"),
        ("here", told(title="x" * 400), "says nothing of sources"),
    ],
)
def test_what_answers_is_not_believed_blindly(instance: str, rows: Any, said: str, tmp_path: Path) -> None:
    """Another instance, or nothing that is of our form: the settings are shown, with a note."""
    report = asked(tmp_path, instance=instance, environ=KEYS, sources=rows)

    assert said in report["notes"][0]
    assert {row["origin"]["from"] for row in report["sources"]} == {"settings"}


def test_the_store_stands_in_for_an_instance_that_was_not_heard(tmp_path: Path) -> None:
    """A control process whose coordinator is silent knows nothing of sources."""
    settings = load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "here"})
    stored(settings)
    report = asked(tmp_path, environ=KEYS)

    assert rows_of(report)["registrar:cloudflare"]["origin"]["from"] == "store"
    assert len(report["notes"]) == 1


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"{}", "refuses to tell its status (HTTP 401)"),
        (200, b"<html>", "says nothing of sources"),
        (200, b"[" * 100_000, "says nothing of sources"),
        (200, b'{"instance":"here","coordinator":{"age":"x","sources":[]}}', "says nothing of sources"),
        (200, b'{"instance":"here","coordinator":[]}', "says nothing of sources"),
    ],
)
def test_any_other_server_at_the_port_is_told_as_such(status: int, body: bytes, said: str, tmp_path: Path) -> None:
    """Whatever it says, the sources are listed."""
    with answering(lambda handler, _: reply(handler, status, body)) as server:
        report = sources.collect_sources(settings_of(tmp_path, CONTROL_PORT=str(server.server_address[1])))

    assert said in report["notes"][0]
    assert report["sources"]


# -- the text ------------------------------------------------------------------------------------------------------------


def row(**changes: Any) -> dict[str, Any]:
    """A row of a report, from an instance."""
    base = SourceRow(method="registrar:gandi", title="Gandi", server="api.gandi.net", configured=Configured.YES, proves="it")
    values = {name: getattr(base, name) for name in base.__struct_fields__}
    made = codec.plain(SourceRow(**{**values, **changes}))
    return {**made, "origin": {"from": "instance", "place": "127.0.0.1:8000", "age": 2.0}}


def render(*rows: dict[str, Any]) -> list[str]:
    """The lines of a report."""
    return render_sources({"timestamp": 1000.0, "notes": ["a note"], "next": ["do this."], "sources": list(rows)})


def test_the_text_fits_a_page(tmp_path: Path) -> None:
    """Also with everything that can be said of a source."""
    hostile = row(server="x" * 300, trouble="y " * 150, terms="z " * 140, method="das", proves="w " * 140, missing=("N" * 90,))
    lines = render(hostile) + render_sources(sources.collect_sources(settings_of(tmp_path, **KEYS)))

    assert max(map(len, lines)) <= 100


def test_each_state_has_its_words() -> None:
    """Budget, trust and last success of a source that works."""
    good = SourceTrust(state=Trusted.VERIFIED, verified=2, channels=3)
    budget = SourceBudget(rate=0.06, tokens=2.0, used_today=12, per_day=2600, operators=1)
    line = render(row(entitled=Entitled.YES, trust=good, budget=budget, last_success=880.0))[1]

    assert line == "registrar:gandi          yes         yes       verified, 2 of 3   0.06/s, 12/2600 today 2 min ago"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"budget": SourceBudget(rate=200.0, operators=1)}, "200/s, 0 today"),
        ({"budget": SourceBudget(rate=1.0)}, " 1/s "),
        ({"budget": SourceBudget(rate=1.0, blocked_until=1300.0, blocked=1, operators=1)}, "blocked for 5 min"),
        ({"budget": SourceBudget(operators=9, blocked=2)}, "9 operators, 2 blocked"),
        ({"budget": SourceBudget(operators=9)}, "9 operators "),
        ({"trust": SourceTrust(state=Trusted.QUARANTINED, quarantined_until=1120.0, reason="it lies")}, "quarantine, 2 min"),
        ({"trust": SourceTrust(state=Trusted.QUARANTINED, quarantined_until=1120.0, reason="it lies")}, "quarantined: it lies"),
        ({}, "not verified yet"),
        ({"method": "http", "server": ""}, "needs none"),
        ({}, "none known"),
        ({"trouble": "it refuses us"}, "    it refuses us"),
        ({"entitled_reason": "members only"}, "    members only"),
        ({"suffixes": tuple(f"s{number}" for number in range(9))}, "for .s0, .s1, .s2, .s3, .s4, .s5, .s6, .s7, ..."),
        ({"method": "das", "server": "das.eu:4343"}, "das das.eu:4343"),
        ({"configured": Configured.NO, "missing": ("A", "B")}, "needs A, B"),
        ({"method": "das", "configured": Configured.NO, "missing": ("A", "B")}, "needs A or B"),
        ({"title": "\x1b[31m", "trouble": "\x1b[31m"}, "\\x1b[31m"),
    ],
)
def test_what_matters_about_a_source_is_shown(changes: dict[str, Any], said: str) -> None:
    """One line or two for each."""
    assert said in "\n".join(render(row(**changes)))


def test_a_source_that_is_not_configured_has_no_state() -> None:
    """Nothing was asked of it."""
    assert render(row(configured=Configured.NO))[1].split() == ["registrar:gandi", "no", "unknown"]


def test_what_an_answer_proves_is_said_once() -> None:
    """With the kind where it is true of several, with the source where of one."""
    rows = [row(), row(method="registrar:inwx"), row(method="registrar:whoisxml", proves="nothing")]
    lines = render(*rows)
    start = lines.index("What an answer proves:")

    assert lines[start + 1 : start + 3] == ["    registrar            it", "    registrar:whoisxml   nothing"]


def test_the_text_ends_with_the_origin_the_notes_and_what_to_do() -> None:
    """Each a sentence; the origin of what is not configured is of no interest."""
    lines = render(row(), {**row(configured=Configured.NO), "origin": {"from": "settings", "place": "", "age": None}})

    assert lines[-3:] == ["State from the running instance at 127.0.0.1:8000, 2 s old.", "A note.", "Do this."]
    alone = render({**row(), "origin": {"from": "settings", "place": "", "age": None}})
    assert "State from the settings alone, nothing was asked." in alone
    store = render({**row(), "origin": {"from": "store", "place": "/x/y.db", "age": 120.0}})
    assert "State from the store /x/y.db, 2 min old." in store
