"""A vendor that repeats our keys: they show in nothing that leaves the adapter, wherever in an answer they stand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from common.config import TABLE
from common.core.model.evidence import Observation
from tests.checkers.test_registrar_contract import VENDORS, Stage, make_adapter, play, task
from tests.lab.faults import Words
from tests.lab.lab import Lab
from tests.lab.registrars.emulator import Kind, Stand
from tests.test_secret_spellings import ENCODERS

NAME = "brand-new.com"
#: Members that vendors put words in, beside those of their own answers.
WORDS = ("message", "detail", "details", "code", "msg", "error", "reason", "status", "Error", "errorCode")


def fill(value: Any, text: str) -> Any:
    """The same answer with a text in place of every other one but the name."""
    if isinstance(value, dict):
        return {key: fill(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, text) for item in value]
    return text if isinstance(value, str) and value != NAME else value


def list_echoes(stage: Stage, key: str) -> list[str]:
    """Answers and errors that repeat a key wherever a text can stand, and one in plain text."""
    emulator = stage.emulator
    shown = [emulator.show([Stand(NAME, kind)]).text for kind in (Kind.FREE, Kind.PREMIUM, Kind.TAKEN, Kind.UNSUPPORTED)]
    echoes = [f"no such key: {key} ({NAME})", json.dumps(dict.fromkeys(WORDS, key))]
    for text in [*shown, emulator.show_error("other").text, emulator.show_error("credentials").text]:
        try:
            value = json.loads(text or "")
        except ValueError:
            continue
        echoes += [json.dumps(fill(value, key)), json.dumps(fill(value, f"Bad {key} there"))]
        if isinstance(value, dict):
            echoes.append(json.dumps({**value, **dict.fromkeys(WORDS, key)}))
    return echoes


def list_keys(stage: Stage) -> list[str]:
    """The credentials, and what stands for them in a call."""
    login = stage.adapter.build_call([NAME]).headers.get("Authorization", "")
    scheme, _, token = login.partition(" ")
    return [*stage.lab.registrars.secrets(), *([token] if scheme in {"Basic", "Bearer"} else [])]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_key_that_a_vendor_repeats_shows_nowhere(vendor: str) -> None:
    """Neither as it was set nor as it stood in the call, nor in another case."""

    async def scene(stage: Stage) -> None:
        secrets = stage.adapter.settings.secrets()
        for key in list_keys(stage):
            public = key in stage.emulator.credentials.values() and key not in secrets
            for text, status in ((text, status) for text in list_echoes(stage, key) for status in (200, 400)):
                words = Words(text, status=status, headers={"Content-Type": "application/json"})
                fault = stage.lab.faults.add(f"registrar/{vendor}", "says", words=words)
                seen = await stage.adapter.check(task(vendor, NAME))
                stage.lab.faults.end(fault)

                assert public or key.lower() not in repr(seen).lower(), (text, status)

    play(vendor, scene)


#: What a key is made of here: the marks in the middle are escaped wherever a text is encoded.
HEAD, MARKS, TAIL = "Head7qXw", '"&</\\', "Tail9zKv"


def plant_marks(lab: Lab, vendor: str) -> int:
    """Give every key of a vendor marks that are escaped, also in its emulator. Returns how many keys there are."""
    emulator = lab.registrars.emulators[vendor]
    keys = [name for name in emulator.credentials if TABLE[name].secret and name != "INWX_SHARED_SECRET"]
    changed = {name: f"{HEAD}{number}{MARKS}{number}{TAIL}" for number, name in enumerate(keys)}
    emulator.credentials = {**emulator.credentials, **changed}
    return len(keys)


def says(text: str) -> Words:
    """An answer that refuses a key and says this."""
    return Words(text, status=401, headers={"Content-Type": "application/json"})


def assert_hidden(seen: Observation) -> None:
    """The echo arrived, and nothing of a key is in it."""
    assert "***" in seen.excerpt, seen
    shown = f"{seen.excerpt}{seen.reading.reason}".lower()
    assert HEAD.lower() not in shown, seen
    assert TAIL.lower() not in shown, seen


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_key_that_a_vendor_repeats_escaped_shows_nowhere(vendor: str) -> None:
    """In each spelling, in the answer to a check and in that to a login."""

    async def scene() -> None:
        async with Lab.start() as lab:
            lab.registrars.enable(vendor)
            count = plant_marks(lab, vendor)
            adapter = make_adapter(lab, vendor)
            keys = [f"{HEAD}{number}{MARKS}{number}{TAIL}" for number in range(count)]
            echoes = [encode(key) for key in keys for encode in ENCODERS.values()]
            try:
                for echo in echoes:
                    fault = lab.faults.add(f"registrar/{vendor}", "says", words=says(f"no such key: {echo}"))
                    assert_hidden(await adapter.check(task(vendor, NAME)))
                    lab.faults.end(fault)
            finally:
                await adapter.close()
            await look_at_login(lab, vendor, json.dumps({"password": keys[0]}))
            await look_at_login(lab, vendor, " ".join(echoes))

    asyncio.run(scene())


async def look_at_login(lab: Lab, vendor: str, echo: str) -> None:
    """Where a vendor has sessions: a login whose answer repeats a key."""
    fault = lab.faults.add(f"registrar/{vendor}/login", "says", words=says(echo))
    adapter = make_adapter(lab, vendor)
    try:
        seen = await adapter.check(task(vendor, NAME))
    finally:
        await adapter.close()
    lab.faults.end(fault)
    if fault.met:
        assert_hidden(seen)
