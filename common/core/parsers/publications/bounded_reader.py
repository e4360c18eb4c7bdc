"""What all readers of publications share: bytes in, names out, bounded in size; and the reading of lines."""

from __future__ import annotations

from abc import ABC, abstractmethod

from common.core.model.publication import ListedName, ListSummary, Publication
from common.core.parsers.publications.listed_names import NameSieve
from common.errors import PublicationError

#: Longest line, in bytes.
LONGEST_LINE = 16_384
_MARKS = b"\xef\xbb\xbf \t\r\n"


class ListReader(ABC):
    """Reads one publication; `read_at` is when, in epoch seconds."""

    def __init__(self, publication: Publication, read_at: float) -> None:
        self.publication = publication
        self.read_at = read_at
        self.made_at: float | None = None
        self.sieve = NameSieve(publication)
        self._bytes = 0
        self._begun = False

    def feed(self, data: bytes) -> list[ListedName]:
        """The names that the next bytes complete. Raises PublicationError where this is no such list."""
        self._bytes += len(data)
        if self._bytes > self.publication.most_bytes:
            raise PublicationError(f"it is longer than {self.publication.most_bytes} bytes")
        if b"\0" in data:
            raise PublicationError("it holds NUL bytes, so it is no text")
        if not self._begun and (begin := data.lstrip(_MARKS)):
            self._begun = True
            if begin.startswith(b"<"):
                raise PublicationError("it is a web page (HTML) instead of a list")
        return self.take_bytes(data)

    @abstractmethod
    def take_bytes(self, data: bytes) -> list[ListedName]:
        """The names that the next bytes complete."""

    def finish(self) -> ListSummary:
        """What was read, once all bytes were fed. Raises PublicationError where the list is not whole."""
        if not self._begun:
            raise PublicationError("it is empty")
        self.sieve.check_odd()
        return ListSummary(self.sieve.size, self.made_at)


class LineReader(ListReader):
    """Reads a list of lines; what a line says is the business of `take_line`."""

    def __init__(self, publication: Publication, read_at: float) -> None:
        super().__init__(publication, read_at)
        self.rest = b""  # the begin of a line that is not complete
        self.number = 0  # of the line that is read, from 1

    def take_bytes(self, data: bytes) -> list[ListedName]:
        """The names in the lines that the next bytes complete."""
        whole, mark, rest = (self.rest + data).rpartition(b"\n")
        self.rest = rest
        found = self._take_lines(whole) if mark else []
        if len(rest) > LONGEST_LINE:
            raise PublicationError(f"line {self.number + 1} is longer than {LONGEST_LINE} bytes")
        return found

    def finish(self) -> ListSummary:
        """See `ListReader.finish`; a last line without an end counts as a line."""
        last = self._take_lines(self.rest) if self.rest else []
        self.rest = b""
        found = super().finish()
        return ListSummary(found.size, found.made_at, tuple(last))

    @abstractmethod
    def take_line(self, line: str) -> ListedName | None:
        """The name in a line, None for none. The line has no end mark, and is not empty."""

    def decode_lines(self, data: bytes) -> str:
        """Whole lines as text. Raises UnicodeDecodeError."""
        return data.decode(self.publication.charset)

    def _take_lines(self, data: bytes) -> list[ListedName]:
        try:
            text = self.decode_lines(data)
        except UnicodeDecodeError as error:
            at = self.number + 1 + data.count(b"\n", 0, error.start)
            raise PublicationError(f"line {at} is no text in {self.publication.charset}") from None
        found = []
        for whole in text.removeprefix("\ufeff").split("\n"):
            self.number += 1
            if len(whole) > LONGEST_LINE:
                raise PublicationError(f"line {self.number} is longer than {LONGEST_LINE} characters")
            line = whole.rstrip("\r")
            if line and (name := self.take_line(line)) is not None:
                found.append(name)
        return found
