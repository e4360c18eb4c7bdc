"""A vendor that repeats our keys: they show in nothing that leaves the adapter, wherever in an answer they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.checkers.test_registrar_contract import VENDORS, Stage, play, task
from tests.lab.faults import Words
from tests.lab.registrars.emulator import Kind, Stand

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
