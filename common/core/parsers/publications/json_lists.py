"""Publications that are JSON objects with one array of flat objects, read piece by piece."""

from __future__ import annotations

import codecs
import re
from typing import Any

from common.core.model.publication import ListedName, ListSummary, Publication
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.parsers.publications.bounded_reader import ListReader
from common.core.parsers.publications.list_times import read_time
from common.errors import PublicationError

#: Longest entry, and longest text before and after the entries, in characters.
LONGEST_ENTRY, LONGEST_REST = 16_384, 16_384

_TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_PLAIN = rf"(?:{_TEXT}|-?[0-9][0-9.eE+-]*|true|false|null)"
_ENTRY = re.compile(rf'\s*(\{{[^{{}}\[\]"]*(?:{_TEXT}[^{{}}\[\]"]*)*\}})\s*([,\]])', re.DOTALL)
_NO_ENTRY = re.compile(r"\s*\]")
_MEMBER = re.compile(rf"\s*{_TEXT}\s*:\s*{_PLAIN}\s*(?=[,}}])", re.DOTALL)


class JsonReader(ListReader):
    """See the module. Members beside the array may be texts, numbers and the like."""

    def __init__(self, publication: Publication, read_at: float) -> None:
        super().__init__(publication, read_at)
        self._decoder = codecs.getincrementaldecoder(publication.charset)()
        self._array = re.compile(rf'\s*"{re.escape(publication.rows)}"\s*:\s*\[')
        self._text = ""
        self._step = self._read_begin
        self._between = False  # whether an entry has to follow
        self._whole = False

    def take_bytes(self, data: bytes) -> list[ListedName]:
        """The names in the entries that the next bytes complete."""
        found: list[ListedName] = []
        try:
            self._text += self._decoder.decode(data)
        except UnicodeDecodeError:
            raise PublicationError(f"it is no text in {self.publication.charset}") from None
        while self._step(found):
            pass
        return found

    def finish(self) -> ListSummary:
        """See `ListReader.finish`."""
        if self._begun and not self._whole:
            raise PublicationError("its JSON does not end, so it is cut off")
        return super().finish()

    # Each step returns whether another one can be taken with the text that is there.

    def _read_begin(self, _found: list[ListedName]) -> bool:
        text = self._text.lstrip("\ufeff \t\r\n")
        if not text:
            return False
        if not text.startswith("{"):
            raise PublicationError("it is no JSON object")
        self._move(text[1:], self._read_head)
        return True

    def _read_head(self, _found: list[ListedName]) -> bool:
        if begin := self._array.match(self._text):
            self._between = False
            self._move(self._text[begin.end() :], self._read_entries)
            return True
        member = self._take_member()
        if member and self._text.startswith("}"):
            raise PublicationError(f"it has no list under {self.publication.rows!r}")
        self._text = self._text.removeprefix(",") if member else self._text
        return member

    def _read_entries(self, found: list[ListedName]) -> bool:
        place = 0
        while entry := _ENTRY.match(self._text, place):
            place = entry.end()
            if (name := self._listed_name(entry[1])) is not None:
                found.append(name)
            self._between = entry[2] == ","
            if not self._between:
                self._move(self._text[place:], self._read_tail)
                return True
        self._text = self._text[place:]
        if not self._between and (end := _NO_ENTRY.match(self._text)):
            self._move(self._text[end.end() :], self._read_tail)
            return True
        if self._text.lstrip()[:1] not in ("", "{", "]") or len(self._text) > LONGEST_ENTRY:
            raise PublicationError(f"entry {self.sieve.size + 1} is no flat JSON object, or too long")
        if self._between and self._text.lstrip().startswith("]"):
            raise PublicationError("an entry is missing at its end")
        return False

    def _read_tail(self, _found: list[ListedName]) -> bool:
        text = self._text.lstrip()
        if text.startswith("}"):
            self._whole = True
            self._move(text[1:], self._read_end)
            return True
        if text.startswith(","):
            before, self._text = self._text, text[1:]
            if self._take_member():
                return True
            self._text = before
            return False
        if text:
            raise PublicationError("its JSON is broken after the list")
        return False

    def _read_end(self, _found: list[ListedName]) -> bool:
        if self._text.strip():
            raise PublicationError("text follows its end")
        self._text = ""
        return False

    def _move(self, text: str, step: Any) -> None:
        self._text, self._step = text, step

    def _take_member(self) -> bool:
        """Take a plain member from the begin of the text; False where it is not complete yet."""
        member = _MEMBER.match(self._text)
        if member is None:
            if len(self._text) > LONGEST_REST:
                raise PublicationError("its JSON holds something else than a list of names")
            return False
        self._text = self._text[member.end() :]
        return True

    def _listed_name(self, text: str) -> ListedName | None:
        row = _value_of(text)
        if not isinstance(row, dict):
            raise PublicationError(f"entry {self.sieve.size + 1} is no JSON object")
        members = {key.lower(): value for key, value in row.items()}
        values = [members.get(column) for column in self.publication.columns]
        at = None
        if len(values) > 1:
            at = read_time(self.publication, values[1], self.read_at) if isinstance(values[1], str) else None
        if not isinstance(values[0], str) or (len(values) > 1 and at is None):
            self.sieve.note_odd()
            return None
        name = self.sieve.admit_name(values[0])
        return ListedName(name, at) if name is not None else None


def _value_of(text: str) -> Any:
    """The value of a JSON text. Raises PublicationError where it is none."""
    try:
        return parse_bounded_json(text.encode("utf-8", "surrogatepass"), 4 * LONGEST_ENTRY)
    except ValueError as error:
        raise PublicationError(f"its JSON is broken: {error}") from None
