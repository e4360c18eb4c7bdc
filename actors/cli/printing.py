"""What the command line writes: text from foreign servers on a terminal, and readers that leave early."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import TextIO

from common import config

#: How a write fails where nothing more fits in, or a terminal is gone.
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def escape_unprintable(text: str) -> str:
    """Without characters that would move a terminal's cursor."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape", "surrogatepass").decode() for mark in text)


def prepare_output() -> None:
    """Let standard output and standard error take any text in any locale: what their encoding lacks is written as an escape."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the program that started us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # until the process ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def release_output() -> None:
    """Write what is still to be written. Where the reader has left it goes nowhere, without a word of the interpreter's."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:  # closed already
            continue
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def wants_colour(stream: TextIO) -> bool:
    """Whether to write colours there: on a terminal that is not dumb, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not config.inherited("NO_COLOR") and config.inherited("TERM") != "dumb"
