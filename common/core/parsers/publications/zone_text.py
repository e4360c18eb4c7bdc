"""Zone files (RFC 1035 section 5): the names that the zone delegates, without keeping any other record."""

from __future__ import annotations

import re

from common.core.model.publication import ListedName, ListSummary, Publication
from common.core.parsers.publications.bounded_reader import LineReader
from common.errors import PublicationError

#: Most lines that one record may be spread over by parentheses.
MOST_LINES = 1000
_TEXT_OR_COMMENT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|;.*')
_TTL = re.compile(r"[0-9][0-9smhdw]*", re.ASCII)
_CLASSES = frozenset({"in", "ch", "hs", "cs"})


class ZoneReader(LineReader):
    """The owner names of NS records one label below the apex, each once where its records follow each other."""

    def __init__(self, publication: Publication, read_at: float) -> None:
        super().__init__(publication, read_at)
        self._apex = f"{publication.suffixes[0]}."
        self._below = f".{self._apex}"
        self._depth = self._apex.count(".") + 1
        self._origin = self._apex
        self._owner = ""
        self._last = ""  # the name that was found last
        self._open = self._spread = 0  # parentheses that are open, and lines since the first of them
        self._soa = False

    def take_line(self, line: str) -> ListedName | None:
        """The name that a line delegates."""
        if self._open:
            self._continue_record(line)
            return None
        if ";" in line or '"' in line or "(" in line:
            line = self._clean_line(line)
        words = line.split()
        if not words:
            return None
        if words[0].startswith("$"):
            self._take_directive(words)
            return None
        if not line[0].isspace():
            self._owner = words.pop(0).lower()
        return self._take_record(self._owner, words)

    def finish(self) -> ListSummary:
        """See `ListReader.finish`."""
        if self._open:
            raise PublicationError("it ends inside of parentheses, so it is cut off")
        found = super().finish()
        if not self._soa:
            raise PublicationError(f"it holds no SOA record of {self._apex}")
        return found

    def _take_record(self, owner: str, words: list[str]) -> ListedName | None:
        """The name of a record that is a delegation; `words` are what follows its owner."""
        place = 0
        while place < len(words) and place < 2 and (_TTL.fullmatch(words[place]) or words[place].lower() in _CLASSES):
            place += 1
        kind = words[place].lower() if place < len(words) else ""
        if kind not in ("ns", "soa"):
            return None
        name = self._absolute(owner)
        if kind == "soa":
            self._soa = self._soa or name == self._apex
            return None
        if name in (self._last, self._apex):
            return None
        if not name.endswith(self._below):
            raise PublicationError(f"it delegates {name[:80]}, which is not below {self._apex}")
        if name.count(".") != self._depth or "\\" in name:
            return None
        self._last = name
        label = self.sieve.admit_name(name)
        return ListedName(label) if label is not None else None

    def _absolute(self, owner: str) -> str:
        if owner == "@":
            return self._origin
        if owner.endswith("."):
            return owner
        return f"{owner}.{self._origin}" if self._origin != "." else f"{owner}."

    def _take_directive(self, words: list[str]) -> None:
        kind = words[0].upper()
        if kind == "$ORIGIN" and len(words) > 1:
            self._origin = self._absolute(words[1].lower())
        elif kind != "$TTL":
            raise PublicationError(f"line {self.number} holds {kind[:20]}, which is not read in a zone file")

    def _clean_line(self, line: str) -> str:
        """A line without its texts and comment; notes the parentheses that it opens."""
        line = _TEXT_OR_COMMENT.sub(lambda found: "" if found[0].startswith(";") else "text", line)
        self._open, self._spread = max(0, line.count("(") - line.count(")")), 0
        return line.replace("(", " ").replace(")", " ")

    def _continue_record(self, line: str) -> None:
        """A further line of a record in parentheses: no delegation is written like that."""
        line = _TEXT_OR_COMMENT.sub("", line)
        self._open = max(0, self._open + line.count("(") - line.count(")"))
        self._spread += 1
        if self._spread > MOST_LINES:
            raise PublicationError(f"a record is spread over more than {MOST_LINES} lines")
