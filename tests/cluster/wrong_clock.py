"""Starts processes whose time of day is off by some seconds, with a small library that is compiled here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("wrong_clock.c")


def can_compile() -> bool:
    """Whether there is a C compiler."""
    return shutil.which("cc") is not None


def environment_of(offset: float, directory: Path) -> dict[str, str]:
    """What a process with such a clock needs in its environment; the library is put into the directory."""
    if not offset:
        return {}
    library = directory / "wrong_clock.so"
    if not library.exists():
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "WRONG_CLOCK": f"{offset:.0f}"}
