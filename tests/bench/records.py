"""What the benchmark keeps: every round as JSON under docs/benchmarks, and the table made of it: `make bench ARGS="table"`."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench import figures, profiles
from tests.bench.figures import Rounds

ROOT = Path(__file__).resolve().parents[2]
#: Where the rounds of this version are kept, and those of the one it is compared with.
SERVICE = Path("docs/benchmarks/service.json")
BEFORE = Path("docs/benchmarks/service-before.json")
PROFILE, PROFILE_BEFORE = Path("docs/benchmarks/profile.json"), Path("docs/benchmarks/profile-before.json")
NAMES = {BEFORE: "before", SERVICE: figures.NOW, PROFILE_BEFORE: "before", PROFILE: figures.NOW}
DOCUMENT = Path("docs/performance.md")


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
    """Print the tables of the kept runs, the newest last, or put them into docs/performance.md."""
    parser = argparse.ArgumentParser(prog='make bench ARGS="table ..."', description=main.__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="runs to show; default: before and now, as far as kept")
    parser.add_argument("--write", action="store_true", help=f"write them between the markers in {DOCUMENT}")
    options = parser.parse_args(arguments)
    paths = options.files or [path for path in (BEFORE, SERVICE) if (ROOT / path).exists()]
    parts = {
        "figures": figures.table({NAMES.get(path, path.stem): load(path) for path in paths}),
        "profiles": profiles.table(
            {NAMES[path]: _profiles(path) for path in (PROFILE_BEFORE, PROFILE) if (ROOT / path).exists()}
        ),
    }
    if not options.write:
        print("\n\n".join(parts.values()))
        return
    document = ROOT / DOCUMENT
    text = document.read_text(encoding="utf-8")
    for marker, part in parts.items():
        text = placed(text, marker, part)
    document.write_text(text, encoding="utf-8")


def placed(text: str, marker: str, part: str) -> str:
    """The text with `part` between `<!-- marker -->` and `<!-- /marker -->`. Raises ValueError where these are not."""
    first, last = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    head, found, rest = text.partition(first)
    _, ended, tail = rest.partition(last)
    if not (found and ended):
        raise ValueError(f"no {first} ... {last}")
    return f"{head}{first}\n\n{part}\n\n{last}{tail}"


def _profiles(path: Path) -> dict[str, profiles.Profile]:
    kept = json.loads((ROOT / path).read_text(encoding="utf-8"))["kept"]
    found: dict[str, profiles.Profile] = {}
    for notes in kept.values():
        found |= notes[0].get("profiles", {})
    return found


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as place:
        yield Path(place)


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
