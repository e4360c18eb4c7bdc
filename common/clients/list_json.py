"""Reads `{"domains": [...]}` as it arrives: nothing larger than one entry is ever held, and every error names its place.

An entry is cut out by brackets and quotes alone and read by itself, so that a bad escape, a byte that is no UTF-8 or a number
too large costs that entry and not the list. What leaves open where an entry ends (a bracket or a comma too few, a text that
stops) costs the whole list: half a list looks like one from which names were taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from common.core.watchlist.domain_list import ListParser
from common.errors import ListError

#: Bytes in which a value has to end: longer strings and oceans of blanks are no list.
LONGEST_TOKEN = 1 << 20
#: Deepest structure looked into.
DEEPEST = 32
#: Most members of one entry; two are known.
MEMBERS = 100
#: Longest copy of an entry that cannot be read, in bytes.
SHOWN = 200
_SHAPE = 'expected {"domains": [...]}'
_BOM = b"\xef\xbb\xbf"
_CLOSING = {b"{": b"}", b"[": b"]"}
_KINDS = {b"{": "an object", b"[": "a list", b'"': "a string", b"n": "null", b"t": "a boolean", b"f": "a boolean"}

_BLANK = rb"[ \t\n\r]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
#: A string, a mark, or anything else that ends at the next of them.
_TOKEN = re.compile(_BLANK + rb"(?:(" + _STRING + rb')|([{}\[\],:])|([^ \t\n\r{}\[\],:"]++))', re.DOTALL)
#: What nearly every entry is, with the mark behind it: a string without escapes, or an object without further brackets.
_ENTRY = re.compile(
    _BLANK + rb'(?:"([^"\\\x00-\x1f]*+)"|(\{[^{}\[\]"]*+(?:' + _STRING + rb'[^{}\[\]"]*+)*+\}))' + _BLANK + rb"([,\]])",
    re.DOTALL,
)
_ONLY_BLANK = re.compile(_BLANK)


class _MoreError(Exception):
    """What is there is no whole token yet."""


class JsonListParser:
    """Feed it bytes; it hands on the entries. Raises ListError at once where the text is no such list."""

    def __init__(self, builder: ListParser) -> None:
        self._builder = builder
        self._buffer = b""
        self._at = 0
        self._complete = False
        self._read = 0
        self._last_token = 0
        self._entries = 0
        self._found = False
        self._next: Callable[[], None] = self._begin
        self._expected: Callable[[], None] = self._member  # after the colon
        self._open: list[bytes] = []  # the brackets that a member of no interest has to close

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the text, in pieces of any size."""
        if self._read == 0 and data.startswith(_BOM):
            data = data[len(_BOM) :]
        self._read += len(data)
        self._buffer = self._buffer[self._at :] + data
        self._at = 0
        self._go_on()
        if self._read - self._last_token > LONGEST_TOKEN:
            raise self._wrong(f"no end of a value within {LONGEST_TOKEN} bytes")

    def close(self) -> None:
        """The text is complete. Raises ListError where it is not, or where it held no list."""
        self._complete = True
        self._go_on()
        if self._next != self._end:
            raise self._wrong("not valid JSON: it ends too early")
        if not self._found:
            raise ListError(f'the list is valid JSON but has no "domains": {_SHAPE}')

    def _go_on(self) -> None:
        """Step by step until a token is not whole."""
        try:
            while True:
                self._next()
        except _MoreError:
            return

    def _token(self) -> bytes:
        """The next token; raises _MoreError where its end is not there yet."""
        match = _TOKEN.match(self._buffer, self._at)
        if match is None or (match[3] and match.end() == len(self._buffer) and not self._complete):
            blank = _ONLY_BLANK.match(self._buffer, self._at)
            self._at = blank.end() if blank else self._at
            raise _MoreError
        self._at = match.end()
        self._last_token = self._read - (len(self._buffer) - self._at)
        return match[match.lastindex or 0]

    # -- around the list --

    def _begin(self) -> None:
        token = self._token()
        if token != b"{":
            self._sound(token)
            raise self._wrong(f"{_SHAPE}, found {_kind(token)}")
        self._next = self._first_key

    def _first_key(self) -> None:
        self._key(self._token(), may_end=True)

    def _further_key(self) -> None:
        self._key(self._token(), may_end=False)

    def _key(self, token: bytes, *, may_end: bool) -> None:
        if token == b"}" and may_end:
            self._next = self._end
            return
        if token[:1] != b'"':
            raise self._wrong("not valid JSON: a name in quotes is missing")
        wanted = self._sound(token) == "domains"
        if wanted and self._found:
            raise self._wrong('"domains" is there twice')
        self._expected, self._next = self._domains if wanted else self._member, self._colon

    def _colon(self) -> None:
        if self._token() != b":":
            raise self._wrong("not valid JSON: a colon is missing")
        self._next = self._expected

    def _domains(self) -> None:
        token = self._token()
        if token != b"[":
            self._sound(token)
            raise self._wrong(f'"domains" must be a list, found {_kind(token)}')
        self._found = True
        self._next = self._first_entry

    def _member(self) -> None:
        """Skip a member of no interest, of any length."""
        self._nest(self._open, self._token())
        if not self._open:
            self._next = self._after_member

    def _after_member(self) -> None:
        token = self._token()
        if token not in {b",", b"}"}:
            raise self._wrong("not valid JSON: a comma is missing")
        self._next = self._further_key if token == b"," else self._end

    def _end(self) -> None:
        self._token()
        raise self._wrong("not valid JSON: there is more behind its end")

    # -- the list --

    def _first_entry(self) -> None:
        start = self._at
        if self._token() == b"]":
            self._next = self._after_member
            return
        self._at = start
        self._next = self._entry

    def _entry(self) -> None:
        """As many entries as there are, each with the mark behind it; `_odd_entry` takes what is not of the usual form."""
        add, reject, match_entry = self._builder.add_entry, self._reject, _ENTRY.match
        buffer = self._buffer
        while (match := match_entry(buffer, self._at)) is not None:
            name, row, mark = match.groups()
            self._entries += 1
            self._at = match.end()
            if name is not None:
                try:
                    add(name.decode())
                except UnicodeError:
                    reject(buffer[match.start() : match.end() - 1], "it is no UTF-8 text")
            else:
                self._take(row)
            if mark == b"]":
                self._next = self._after_member
                break
        self._last_token = self._read - (len(buffer) - self._at)
        if self._next == self._entry:
            self._unusual_entry()

    def _unusual_entry(self) -> None:
        start, brackets = self._at, list[bytes]()
        try:
            while True:
                self._nest(brackets, self._token())
                if not brackets:
                    break
        except _MoreError:
            if len(self._buffer) - start > LONGEST_TOKEN:
                raise self._wrong(f"no end of a value within {LONGEST_TOKEN} bytes") from None
            self._at = start
            raise
        self._entries += 1
        self._take(self._buffer[start : self._at].strip())
        self._next = self._after_entry

    def _after_entry(self) -> None:
        token = self._token()
        if token not in {b",", b"]"}:
            raise self._wrong("not valid JSON: a comma between two entries is missing")
        self._next = self._entry if token == b"," else self._after_member

    def _take(self, text: bytes) -> None:
        """Hand on an entry, or why it cannot be read."""
        try:
            entry = json.loads(text.decode(), parse_constant=_no_number)
        except UnicodeError:
            return self._reject(text, "it is no UTF-8 text")
        except ValueError as error:
            return self._reject(text, f"not valid JSON: {getattr(error, 'msg', None) or error}")
        if isinstance(entry, dict) and len(entry) > MEMBERS:
            return self._reject(text, f"it has more than {MEMBERS} members")
        return self._builder.add_entry(entry)

    def _reject(self, text: bytes, reason: str) -> None:
        self._builder.reject_entry(text.strip()[:SHOWN].decode("utf-8", "replace"), reason)

    def _nest(self, brackets: list[bytes], token: bytes) -> None:
        """Keep account of the brackets that are open."""
        if closing := _CLOSING.get(token):
            brackets.append(closing)
            if len(brackets) > DEEPEST:
                raise self._wrong(f"more than {DEEPEST} levels deep")
        elif token in {b"}", b"]"} and (not brackets or brackets.pop() != token):
            raise self._wrong("not valid JSON: a bracket is closed that is not open")
        elif token in {b",", b":"} and not brackets:
            raise self._wrong("not valid JSON: a value is missing")

    def _sound(self, token: bytes) -> Any:
        """The value of a string or another simple token that matters. Raises ListError."""
        if token in {b"{", b"["}:
            return None
        try:
            return json.loads(token.decode(), parse_constant=_no_number)
        except ValueError as error:
            raise self._wrong(f"not valid JSON: {getattr(error, 'msg', None) or error}") from None

    def _wrong(self, text: str) -> ListError:
        return ListError(f"{text} (after {self._entries} entries, within the first {self._read} bytes)")


def _kind(token: bytes) -> str:
    return _KINDS.get(token[:1], "a number")


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON number")
