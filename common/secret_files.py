"""Reads a secret that is given directly or as a file: Docker and Kubernetes hand secrets over as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

#: Largest file read as a secret, in bytes.
LIMIT = 65_536


def read_secret(name: str, environ: Mapping[str, str]) -> str:
    """The text of variable `name`, or of the file that `name`_FILE names; "" where neither is set.

    Raises ValueError with a sentence that names the variable and never the text.
    """
    text = environ.get(name, "").strip()
    file = environ.get(f"{name}_FILE", "").strip()
    if not file:
        return text
    if text:
        raise ValueError(f"{name}: set it or {name}_FILE, not both")
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(LIMIT + 1)
        text = content.decode().strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ValueError(f"{name}_FILE: cannot be read: {reason}") from None
    if not text or len(content) > LIMIT:
        raise ValueError(f"{name}_FILE: must hold one secret of 1 to {LIMIT} bytes")
    return text
