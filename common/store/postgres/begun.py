"""Whether the database is still the one that was written before.

A server that came up with an empty volume would be filled anew without a word, and the ids of its first events would be those
of old ones. So each database has an identity, and a file in STATE_DIR says which one this instance has written.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from common.errors import StoreLost
from common.small_files import read_bounded

#: Longest note read, in bytes.
LONGEST = 1000


class Marker:
    """The note of one instance about one database; `key` names the database, without a password."""

    def __init__(self, state_dir: Path, shown: str, key: str) -> None:
        self._path = state_dir / f"postgresql-{hashlib.sha256(key.encode()).hexdigest()[:12]}.begun"
        self._shown = shown

    def require_same(self, identity: str | None) -> None:
        """Raise StoreLost where another database was written before, or there is none (None) any more."""
        before = self._read()
        if before and before != identity:
            what = "holds no state" if identity is None else "is another database than it was"
            raise StoreLost(
                f"{self._shown} {what}, and this instance has written one there before: restore it from a backup, or delete "
                f"{self._path} to begin anew without what it knew"
            )

    def note(self, identity: str) -> None:
        """Note what was written. Without room for the note a loss could not be told, which is no reason to stop."""
        with suppress(OSError):
            if self._read() != identity:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._path.write_text(identity, encoding="ascii")

    def _read(self) -> str:
        with suppress(OSError):
            return read_bounded(self._path, LONGEST).decode("ascii", "replace").strip()
        return ""
