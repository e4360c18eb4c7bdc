"""How the readings of a publication went, in a small file for each: a restart neither reads again nor forgets an error."""

from __future__ import annotations

from pathlib import Path

import msgspec

from common.clients.publication_http import Validators
from common.core.publications.guard import Known
from common.core.publications.next_reading import LastReading
from common.small_files import read_bounded, replace_file

#: Largest file read, in bytes.
FILE_LIMIT = 16_384


class ReadingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of the readings of a publication. Times in epoch seconds.

    `known` is what the last reading that was taken held. `told` stands for whom it was joined for: the names that were watched
    then, and the coordinators that led. Only for the same ones is it enough to ask whether it has changed, by `validators` of
    `place`, or by the `serial` of a zone.
    """

    checked_at: float = 0.0
    failures: int = 0
    problem: str = ""
    known: Known = Known()
    told: str = ""
    place: str = ""
    validators: Validators = Validators()
    serial: int | None = None

    def last_reading(self) -> LastReading | None:
        """What the next reading is planned by; None where there was none."""
        return LastReading(self.checked_at, self.failures) if self.checked_at else None


def read_record(folder: Path, publication: str) -> ReadingRecord:
    """What is kept of a publication; nothing where there is no such file, or it is damaged."""
    try:
        return msgspec.json.decode(read_bounded(folder / f"{publication}.json", FILE_LIMIT), type=ReadingRecord)
    except (OSError, ValueError, RecursionError):
        return ReadingRecord()


def write_record(folder: Path, publication: str, record: ReadingRecord) -> None:
    """Keep this. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / f"{publication}.json", msgspec.json.encode(record))
