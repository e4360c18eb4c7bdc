"""Publications of one name a line, and those of rows of columns."""

from __future__ import annotations

import csv
import re

from common.core.model.publication import ListedName, ListSummary, Publication
from common.core.parsers.dates import iso_to_epoch
from common.core.parsers.publications.bounded_reader import LineReader
from common.core.parsers.publications.list_times import read_time, release_of_reading
from common.errors import PublicationError

#: Lines within which a head or the labels of columns have to stand.
HEAD_LINES = 6


class NamesReader(LineReader):
    """One name a line, perhaps in brackets as CNNIC writes them (`[example.cn]`); `#` begins a comment."""

    def __init__(self, publication: Publication, read_at: float) -> None:
        super().__init__(publication, read_at)
        self._at = release_of_reading(publication, read_at)

    def take_line(self, line: str) -> ListedName | None:
        """The name in a line."""
        text = line.strip().removeprefix("[").removesuffix("]")
        if not text or text.startswith("#"):
            return None
        name = self.sieve.admit_name(text)
        return ListedName(name, self._at) if name is not None else None

    def finish(self) -> ListSummary:
        """See `ListReader.finish`."""
        last = self.rest.strip()
        found = super().finish()
        if last and not found.rest and not last.startswith(b"#"):
            raise PublicationError("its last line holds no name and has no end, so it is cut off")
        return found


class BrReader(LineReader):
    """registro.br's lists: a `#` head that names the process and its days, one name a line, and a line that ends the file."""

    _HEAD = "# Processo de libera"  # as far as no letter depends on the charset
    _FOOT = "# Fim do arquivo"
    _DAYS = re.compile(r"de \S+ a \S+")
    _MADE = re.compile(r"gerado em (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?", re.ASCII)

    def __init__(self, publication: Publication, read_at: float) -> None:
        super().__init__(publication, read_at)
        self._head = self._ended = False

    def decode_lines(self, data: bytes) -> str:
        """Whole lines as text: the lists were seen in two charsets."""
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return super().decode_lines(data)

    def take_line(self, line: str) -> ListedName | None:
        """The name in a line."""
        line = line.strip()
        if not line:
            return None
        if self._ended:
            raise PublicationError("text follows its last line")
        if line.startswith("#"):
            self._take_comment(line)
            return None
        if not self._head:
            raise PublicationError("its head does not name the release process and its days")
        name = self.sieve.admit_name(line)
        return ListedName(name) if name is not None else None

    def finish(self) -> ListSummary:
        """See `ListReader.finish`."""
        found = super().finish()
        if not self._ended:
            raise PublicationError(f"it does not end with {self._FOOT!r}, so it is cut off")
        return found

    def _take_comment(self, line: str) -> None:
        self._ended = line == self._FOOT
        if self.number <= HEAD_LINES:
            self._head = self._head or (line.startswith(self._HEAD) and self._DAYS.search(line) is not None)
            if made := self._MADE.search(line):
                zone = made[2] or "-03:00"
                self.made_at = iso_to_epoch(f"{made[1]}{zone if zone == 'Z' else f'{zone[:3]}:{zone[-2:]}'}")


class CsvReader(LineReader):
    """Rows of columns (RFC 4180, also parted by semicolons) whose labels stand in one of the first lines."""

    def __init__(self, publication: Publication, read_at: float) -> None:
        super().__init__(publication, read_at)
        self._mark = ","
        self._width = 0  # columns by the head, 0 before it
        self._places: tuple[int, ...] = ()
        self._only: tuple[int, str] | None = None
        self._short = False  # whether the last row has too few columns

    def take_line(self, line: str) -> ListedName | None:
        """The name in a row."""
        if line.startswith(("#", "--")) or not line.strip():
            return None
        if not self._width:
            self._take_head(line)
            return None
        row = next(csv.reader([line], delimiter=self._mark)) if '"' in line else line.split(self._mark)
        self._short = len(row) < self._width
        if len(row) != self._width:
            self.sieve.note_odd()
            return None
        if self._only is not None and row[self._only[0]].strip().lower() != self._only[1]:
            return None
        return self._listed_name([row[place] for place in self._places])

    def finish(self) -> ListSummary:
        """See `ListReader.finish`."""
        found = super().finish()
        if not self._width:
            raise PublicationError("it has no head that names its columns")
        if self._short:
            raise PublicationError("it ends in the middle of a row, so it is cut off")
        return found

    def _take_head(self, line: str) -> None:
        """Find the columns by their labels, or by their numbers where the labels are not known."""
        self._mark = ";" if line.count(";") > line.count(",") else ","
        labels = [label.strip().strip('"').lower() for label in line.split(self._mark)]
        wanted = self.publication.columns
        if wanted[0].isdigit():
            if max(map(int, wanted)) >= len(labels):
                raise PublicationError("its head has too few columns")
            self._width, self._places = len(labels), tuple(map(int, wanted))
        elif wanted[0] in labels:
            only = self.publication.only
            lacking = [label for label in (*wanted, *(only or ())[:1]) if label not in labels]
            if lacking:
                raise PublicationError(f"its head does not name the column {lacking[0]}")
            self._width, self._places = len(labels), tuple(map(labels.index, wanted))
            self._only = (labels.index(only[0]), only[1]) if only is not None else None
        elif self.number >= HEAD_LINES:
            raise PublicationError(f"its head does not name the column {wanted[0]}")

    def _listed_name(self, found: list[str]) -> ListedName | None:
        """The name of a row, from the columns that the publication has; a time that cannot be read makes the row odd."""
        text, time, object_id = (*found, "", "")[:3]
        at = read_time(self.publication, time, self.read_at) if len(self._places) > 1 else None
        if len(self._places) > 1 and at is None:
            self.sieve.note_odd()
            return None
        name = self.sieve.admit_name(text)
        return ListedName(name, at, object_id.strip()[:120]) if name is not None else None
