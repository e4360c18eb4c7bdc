"""`domain-monitor check`, run as a process against the lab: what it finds out, how it explains it, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from actors.cli import check_text
from actors.cli.answer import LIMIT, answer_line
from actors.cli.explain import invalid
from common.core.evidence import Fields, Observation, Outcome, Reading, unknown
from tests.lab.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
CAST = ("alive.com", "fading.co.uk", "gone-one.com", "kept.org", "lagoon.ws", "x.nosuchtld")
ORDERS: dict[str, tuple[str, ...]] = {
    "text": CAST,
    "json": ("--json", *CAST),
    "dead": ("nobody-home.se",),
    "lying": ("--json", "gone-two.de", "kleine-werft.de"),
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
        registry.register("kleine-werft.de", age_years=2)
        lab.faults.add("dns/se", "silence")
        lab.faults.add("whois/se", "refused")
        lab.faults.add("rdap/de", "lying-404")
        await lab.settle() if hasattr(lab, "settle") else None
        environment = lab.environment() | {"STATE_DIR": str(directory)}
        runs = await asyncio.gather(*(command(arguments, environment) for arguments in ORDERS.values()))
    return dict(zip(ORDERS, runs, strict=True))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The runs by name."""
    return asyncio.run(perform(tmp_path_factory.mktemp("check")))
