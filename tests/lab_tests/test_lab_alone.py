"""`python -m tests.lab` as a process: what it prints and writes is enough to point the product at it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.actors.test_check import ROOT, Run, command
from tests.lab.registrars.emulator import find_emulators

_SECONDS = 30.0


async def lab_of(
    arguments: tuple[str, ...], checks: tuple[tuple[str, ...], ...], state: Path
) -> tuple[dict[str, Any], list[Run], int]:
    """What it prints, how `check` with its settings ends, and its exit code after SIGTERM."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.lab", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(_SECONDS):
            view = json.loads(await child.stdout.readuntil(b"\n}\n"))
            runs = [await command(check, {"STATE_DIR": str(state)}) for check in checks]
    finally:
        child.send_signal(signal.SIGTERM)
        code = await child.wait()
    return view, runs, code


def test_the_lab_alone_lets_the_product_ask_every_further_source(tmp_path: Path) -> None:
    """Its env file holds keys and URLs of all registrars, the EPP accounts and the availability services."""
    file = tmp_path / "lab.env"
    check = ("--json", "--env-file", str(file), "--methods", "registrar", "a-name.com")
    arguments = ("--registrars", "all", "--epp", "--das", "--env-file", str(file))
    view, (run,), code = asyncio.run(lab_of(arguments, (check,), tmp_path))
    environment = view["environment"]

    assert run.code == 0, run.err
    (report,) = run.reports().values()
    assert {row["vendor"] for row in report["registrars"]} == set(find_emulators())
    assert report["cheapest"]
    assert json.loads(environment["EPP_ACCOUNTS"])
    assert "DAS_SERVERS_FILE" in environment
    assert file.read_text().splitlines() == [f"{name}='{value}'" for name, value in environment.items()]
    assert code == 0


def test_the_lab_alone_gives_the_keys_that_were_asked_for(tmp_path: Path) -> None:
    """Of one registrar; nothing else is switched on."""
    view, _, code = asyncio.run(lab_of(("--registrars", "gandi"), (), tmp_path))

    assert "GANDI_TOKEN" in view["environment"]
    assert not {"PORKBUN_API_KEY", "EPP_ACCOUNTS", "DAS_SERVERS_FILE"} & view["environment"].keys()
    assert code == 0
