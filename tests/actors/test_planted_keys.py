"""Keys that are planted in the settings of every source show nowhere: no output, no status, no metrics, no log, no repr."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from actors.cli import sources
from actors.cli.sources_text import render_sources
from common.config import TABLE, Settings, load
from common.core.builtin.registrars import REGISTRARS
from common.source_settings import SourceSettings
from tests.actors.test_check import Run, command
from tests.lab import net
from tests.lab.lab import Lab
from tests.lab.stack import Stack

#: Accounts of sources that are one JSON text with passwords in it.
_AS_JSON = {
    "EPP_ACCOUNTS": '[{{"suffixes":["uk"],"host":"127.0.0.1:9","user":"planted-user","password":"{}"}}]',
}


def planted() -> dict[str, str]:
    """A distinctive value for every secret setting of a source."""
    secret = [name for name, setting in TABLE.items() if setting.secret and name.lower() in SourceSettings.__annotations__]
    secret += [name for name in _AS_JSON if name in TABLE and name not in secret]
    found = {name: f"PlantedKey{number:02}x{name[:4].title()}Zq" for number, name in enumerate(sorted(secret))}
    return found | {"INWX_SHARED_SECRET": "PLANTEDKEYINWXSHAREDSECR"}  # which has to be base32


def environ_of(keys: dict[str, str]) -> dict[str, str]:
    """The settings in which they are planted, with the accounts that the registrars need besides."""
    needed = {name: "192.0.2.7" if name.endswith("_IP") else "planted-account" for row in REGISTRARS for name in row.needs}
    return needed | {name: _AS_JSON[name].format(key) if name in _AS_JSON else key for name, key in keys.items()}


KEYS = planted()


def settings_of(directory: Path) -> Settings:
    """Settings with every key, of an instance that does not run."""
    return load({"STATE_DIR": str(directory), "CONTROL_PORT": str(net.free_port()), **environ_of(KEYS)})


def found_in(*texts: str) -> list[str]:
    """The settings whose value stands in one of these texts."""
    return [name for name, key in KEYS.items() if any(key in text for text in texts)]


def test_every_secret_of_a_source_is_planted(tmp_path: Path) -> None:
    """The test would notice a key: each registrar has one that is, and all of them are configured."""
    settings = settings_of(tmp_path)

    assert all(set(row.needs) & KEYS.keys() for row in REGISTRARS)
    assert set(KEYS.values()) <= set(settings.secrets())


def test_settings_do_not_show_them(tmp_path: Path) -> None:
    """Neither as text nor as a map."""
    settings = settings_of(tmp_path)

    assert found_in(repr(settings), str(settings), str(settings.masked())) == []


def test_the_list_of_sources_does_not_show_them(tmp_path: Path) -> None:
    """In text and JSON, with everything configured."""
    report = sources.collect_sources(settings_of(tmp_path))

    assert {row["configured"] for row in report["sources"] if row["method"].startswith("registrar:")} == {"yes"}
    assert found_in(json.dumps(report), "\n".join(render_sources(report))) == []


#: What an API can say that holds the key it was called with.
TROUBLE = ("401", "error-credentials", "garbage", "200-html")


@pytest.mark.parametrize("kind", [(), *((kind,) for kind in TROUBLE)])
def test_checks_do_not_show_them(kind: tuple[str, ...], tmp_path: Path) -> None:
    """Every registrar is asked with its planted key, which it refuses, or it answers nonsense: text, JSON and errors."""

    async def story() -> list[Run]:
        async with Lab.start() as lab:
            for vendor in lab.registrars.emulators:
                for fault in kind:
                    lab.faults.add(f"registrar/{vendor}", fault)
            environment = {**lab.environment(), **environ_of(KEYS), "STATE_DIR": str(tmp_path), "LOG_LEVEL": "DEBUG"}
            vendors = ",".join(f"registrar:{vendor}" for vendor in lab.registrars.emulators)
            text = await command(("--methods", vendors, "a.com"), environment)
            return [text, await command(("--json", "--methods", vendors, "a.com"), environment)]

    for run in asyncio.run(story()):
        assert run.code == 3, run.err
        assert found_in(run.out, run.err) == []


async def fetch(url: str) -> str:
    """The body of an answer."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.text()


def test_a_running_instance_does_not_show_them(tmp_path: Path) -> None:
    """In its status, its metrics, the description, the page and the log of every process; and `sources` asks it."""

    async def story() -> tuple[list[str], dict[str, Any]]:
        async with Lab.start() as lab:
            lab.customer.set_watch(["brand-new.com"])
            stack, ended = Stack({**lab.environment(), **environ_of(KEYS), "LOG_LEVEL": "DEBUG"}, tmp_path), asyncio.Event()
            await stack.start(ended)
            try:
                await stack.wait_healthy(90, ended)
                paths = ("status", "metrics", "metrics/prometheus", "openapi.json", "health", "events", "domains")
                texts = [await fetch(f"{stack.url}/{path}") for path in paths]
                while "registrar:" not in texts[0]:
                    texts[0] = await fetch(f"{stack.url}/status")
                settings = load({**environ_of(KEYS), "STATE_DIR": str(tmp_path / "state"), "INSTANCE_ID": "lab",
                                 "CONTROL_PORT": str(stack.control_port)})  # fmt: skip
                report = await asyncio.to_thread(sources.collect_sources, settings)
            finally:
                await stack.stop()
            return [*texts, stack.log_file.read_text(encoding="utf-8", errors="replace")], report

    texts, report = asyncio.run(story())
    shown = json.loads(texts[0])["coordinator"]["sources"]

    assert {row.method for row in REGISTRARS} <= {row["method"] for row in shown}
    assert {row["origin"]["from"] for row in report["sources"] if row["configured"] == "yes"} == {"instance"}
    assert found_in(*texts, json.dumps(report), "\n".join(render_sources(report))) == []
