"""Requests made from the description, good and bad, against a real store: every check of schemathesis, and nothing found."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from common import codec, state_dir
from common.core.model.records import Changes, LedgerRow, ProblemRow
from common.peers import Peers
from common.store.reader import open_reader
from tests.actors.control_lab import NOW, Lab, domain_row, serving
from tests.actors.test_control_openapi import furnish
from tests.store.builders import delivery, domain, event, open_next

TOKEN = "control-token-0123456789"
ELSEWHERE = {"peers": Peers(lambda: 0.0, loopback=lambda _: False), "CONTROL_TOKEN": TOKEN}


def fill(lab: Lab) -> None:
    """A store with something in every table."""
    state_dir.create_directories(lab.settings)
    store = open_next(lab.settings)
    rows = [domain_row("example.com", id=1), domain("b.com", state="AVAILABLE"), domain("c.co.uk", drop_likely=NOW + 60)]
    store.apply(
        Changes(
            domains=rows,
            events=[event(1, "example.com", at=NOW), event(2, "b.com", at=NOW)],
            deliveries=[delivery("d1", domain="b.com", state="parked"), delivery("d2", domain="b.com")],
            problems=[ProblemRow("x y", "bad_character", "holds a space")],
            ledger=[LedgerRow("example.com", NOW, "decision", "REGISTERED", False, "1-ab", codec.encode({}))],
        )
    )
    store.close()
    lab.opens = lambda: open_reader(lab.settings)


@pytest.mark.timeout(170)
@pytest.mark.parametrize(
    ("setting", "arguments"), [({}, []), (ELSEWHERE, ["--header", f"Authorization: Bearer {TOKEN}"])], ids=["here", "elsewhere"]
)
def test_requests_made_from_the_description_find_nothing(
    setting: dict[str, object], arguments: list[str], tmp_path: Path
) -> None:
    """Statuses, media types, headers, bodies, refusals and authentication are as described, without a single 500."""
    program = Path(sys.executable).with_name("schemathesis")
    bounds = ["--checks", "all", "--max-examples", "10", "--generation-deterministic"]

    async def story() -> tuple[int | None, str]:
        lab = Lab(tmp_path / "state", **setting)  # type: ignore[arg-type]  # settings and peers
        fill(lab)
        async with serving(lab):
            furnish(lab)
            run = await asyncio.create_subprocess_exec(
                program,
                "run",
                f"{lab.url}/openapi.json",
                *bounds,
                *("--no-color", "--warnings", "off", *arguments),
                cwd=tmp_path,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await run.communicate()
            return run.returncode, output.decode(errors="replace")

    code, output = asyncio.run(story())
    assert (code, "Tested: " in output) == (0, True), output[-6000:]
