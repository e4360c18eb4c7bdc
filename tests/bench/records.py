"""What the benchmark keeps: every round as JSON under docs/benchmarks, and the table made of it: `make bench ARGS="table"`."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench import figures
from tests.bench.figures import Rounds

ROOT = Path(__file__).resolve().parents[2]
#: Where the rounds of this version are kept, and those of the one it is compared with.
SERVICE = Path("docs/benchmarks/service.json")
BEFORE = Path("docs/benchmarks/service-before.json")


def save(path: Path, machine: dict[str, str], found: Mapping[int, Rounds], wrong: list[str], kept: object) -> None:
    """Write one run."""
    sizes = {
        str(count): [{key: None if math.isnan(value) else round(value, 6) for key, value in row.items()} for row in rounds]
        for count, rounds in found.items()
    }
    content = {"machine": {**machine, "commit": _commit()}, "rounds": sizes, "wrong": wrong, "kept": kept}
    place = ROOT / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> dict[int, Rounds]:
    """The rounds of a run by size."""
    rounds = json.loads((ROOT / path).read_text(encoding="utf-8"))["rounds"]
    return {
        int(count): [{key: math.nan if value is None else value for key, value in row.items()} for row in rows]
        for count, rows in rounds.items()
    }


def main(arguments: list[str]) -> None:
    """Print the table of the kept runs: `table [FILE ...]`, the newest last; default: before and now, as far as kept."""
    paths = [Path(argument) for argument in arguments] or [path for path in (BEFORE, SERVICE) if (ROOT / path).exists()]
    names = {BEFORE: "before", SERVICE: "now"}
    print(figures.table({names.get(path, path.stem): load(path) for path in paths}))


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as place:
        yield Path(place)


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
