"""A copy of the tree in which one module is made faulty again and again, and its tests run each time."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from tests.mutants import nursery
from tests.mutants.faults import Mutant, mutants

#: What of the tree the suites need.
PARTS = ("common", "actors", "tests", "pyproject.toml")
#: How long a suite may take with a fault in the module: so many times what it takes without, which is this much at least (s).
PATIENCE, LEAST = 4.0, 0.5
#: Longest that a suite may take without a fault, in seconds: it is meant to be quick.
BASELINE = 120.0


class TrialError(Exception):
    """The suite does not pass without a fault, or does not test the copy."""


class Score(NamedTuple):
    """What became of the mutants of one module: how many were killed, how many ran out of time, and which survived."""

    module: str
    killed: int
    late: int
    survivors: tuple[Mutant, ...]
    seconds: float

    @property
    def whole(self) -> int:
        """How many mutants there were."""
        return self.killed + self.late + len(self.survivors)


class Trial:
    """The copy, in a temporary directory that ends with it, and the process that runs suites there."""

    def __init__(self, root: Path, patience: float = PATIENCE) -> None:
        """Copy the tree at `root`, which is never written to; `patience` as the constant."""
        self._patience = patience
        self._copy = Path(tempfile.mkdtemp(prefix="dm-mutants-")).resolve()
        for part in (root / name for name in PARTS):
            if part.is_dir():
                shutil.copytree(part, self._copy / part.name, ignore=shutil.ignore_patterns("__pycache__"))
            elif part.exists():
                shutil.copy(part, self._copy)
        self._nursery = subprocess.Popen(
            [sys.executable, "-P", nursery.__file__],
            cwd=self._copy,
            env=os.environ | {"PYTHONPATH": str(self._copy)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._nursery.communicate()
        finally:
            shutil.rmtree(self._copy, ignore_errors=True)

    def score(self, module: str, tests: Sequence[str], tell: Callable[[Mutant], None] = lambda _: None) -> Score:
        """Try every mutant of the module at this path; `tell` hears of each survivor at once.

        Raises TrialError where the tests do not pass without a fault, or are not about the module in the copy.
        """
        path = self._copy / module
        original = path.read_text()
        status, seconds = self._run(module, tests, limit=BASELINE, save=True)
        if status != "passed":
            raise TrialError(f"{module}: without a fault its tests are {status}\n{self._output()}")
        Path(importlib.util.cache_from_source(path)).unlink(missing_ok=True)
        limit, counts, survivors = self._patience * max(LEAST, seconds), Counter[str](), []
        for mutant in mutants(original):
            path.write_text(mutant.source)
            status, taken = self._run(module, tests, limit=limit)
            seconds += taken
            counts[status] += 1
            if status == "passed":
                survivors.append(mutant)
                tell(mutant)
        path.write_text(original)
        return Score(module, counts["failed"], counts["late"], tuple(survivors), seconds)

    def _run(self, module: str, tests: Sequence[str], *, limit: float, save: bool = False) -> tuple[str, float]:
        """How the tests end in the copy as it stands, and how many seconds they take."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        dotted = module.removesuffix(".py").replace("/", ".")
        order = {"tests": list(tests), "module": dotted, "limit": limit, "save": save}
        print(json.dumps(order), file=self._nursery.stdin, flush=True)
        answer = json.loads(self._nursery.stdout.readline() or '{"status": "ended"}')
        if answer["status"] in ("ended", "foreign"):
            raise TrialError(f"{module}: its tests did not load it from the copy\n{self._output()}")
        return answer["status"], answer["seconds"]

    def _output(self) -> str:
        """What the last suite printed."""
        return (self._copy / nursery.OUTPUT).read_text()
