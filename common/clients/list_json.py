"""Reads `{"domains": [...]}` as it arrives: nothing larger than one entry is ever held, and every error names its place."""

from __future__ import annotations

from typing import Any

import ijson  # type: ignore[import-untyped]  # the package has no types

from common.core.domain_list import Entries
from common.errors import ListError

#: Bytes in which the parser must come to some token: longer strings and oceans of blanks are no list.
LONGEST_TOKEN = 1 << 20
#: Deepest structure looked into.
DEEPEST = 32
#: Most members of one entry; two are known.
_MEMBERS = 100
_KEPT_MEMBERS = 8
_SHAPE = 'expected {"domains": [...]}'
_BOM = b"\xef\xbb\xbf"


class ListReader:
    """Feed it bytes; it hands on the entries. Raises ListError at once where the text is no such list."""

    def __init__(self, builder: Entries) -> None:
        self._builder = builder
        self._events: Any = ijson.sendable_list()
        # Plain floats: the exact numbers of the library turn an endless digit string into an endless computation.
        self._parser: Any = ijson.basic_parse_coro(self._events, use_float=True)
        self._read = 0
        self._last_token = 0
        self._entries = 0
        self._depth = 0
        self._key = ""
        self._found = False
        self._in_list = False
        self._entry: dict[str, object] | None = None
        self._member = ""
        self._members = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the text, in pieces of any size."""
        if self._read == 0 and data.startswith(_BOM):
            data = data[len(_BOM) :]
        self._read += len(data)
        self._parse(lambda: self._parser.send(data))
        if self._read - self._last_token > LONGEST_TOKEN:
            raise self._wrong(f"no end of a value within {LONGEST_TOKEN} bytes")

    def close(self) -> None:
        """The text is complete. Raises ListError where it is not, or where it held no list."""
        self._parse(self._parser.close)
        if not self._found:
            raise ListError(f'the list is valid JSON but has no "domains": {_SHAPE}')

    def _parse(self, step: Any) -> None:
        problem: str | None = None
        try:
            step()
        except (ijson.JSONError, ValueError, UnicodeError, OverflowError, RecursionError) as error:
            problem = _cause(error)
        if self._events:
            self._last_token = self._read
            for event, value in self._events:
                self._take(event, value)
            del self._events[:]
        if problem is not None:
            raise self._wrong(f"not valid JSON: {problem}")

    def _take(self, event: str, value: Any) -> None:
        if self._in_list:
            if self._depth == 2:
                self._take_entry(event, value)
            else:
                self._take_member(event, value)
        elif self._depth == 1:
            self._take_top(event, value)
        elif self._depth == 0:
            if event != "start_map":
                raise self._wrong(f"{_SHAPE}, found {_kind(event)}")
            self._depth = 1
        else:
            self._skip(event)

    def _take_top(self, event: str, value: Any) -> None:
        if event == "map_key":
            self._key = value
            if value == "domains" and self._found:
                raise self._wrong('"domains" is there twice')
        elif event == "end_map":
            self._depth = 0
        elif self._key != "domains":
            self._skip(event)
        elif event == "start_array":
            self._found = self._in_list = True
            self._depth = 2
        else:
            raise self._wrong(f'"domains" must be a list, found {_kind(event)}')

    def _take_entry(self, event: str, value: Any) -> None:
        if event == "end_array":
            self._in_list = False
            self._depth = 1
            return
        self._entries += 1
        if event == "start_map":
            self._entry, self._members = {}, 0
            self._depth = 3
        elif event == "start_array":
            self._builder.add([])
            self._entry = None
            self._depth = 3
        else:
            self._builder.add(value)

    def _take_member(self, event: str, value: Any) -> None:
        entry = self._entry
        if self._depth > 3 or entry is None:
            self._skip(event)
        elif event == "map_key":
            self._member = value
            self._members += 1
            if self._members > _MEMBERS:
                raise self._wrong(f"an entry with more than {_MEMBERS} members")
        elif event == "end_map":
            self._depth = 2
            self._builder.add(entry)
        else:
            container = event in {"start_map", "start_array"}
            if self._member in {"domain", "priority"} or len(entry) < _KEPT_MEMBERS:
                entry[self._member] = [] if container else value
            self._skip(event)

    def _skip(self, event: str) -> None:
        if event in {"start_map", "start_array"}:
            self._depth += 1
            if self._depth > DEEPEST:
                raise self._wrong(f"more than {DEEPEST} levels deep")
        elif event in {"end_map", "end_array"}:
            self._depth -= 1

    def _wrong(self, text: str) -> ListError:
        return ListError(f"{text} (after {self._entries} entries, within the first {self._read} bytes)")


def _kind(event: str) -> str:
    return {"start_map": "an object", "start_array": "a list", "null": "null"}.get(event, f"a {event}")


def _cause(error: Exception) -> str:
    """The parser's own words without its excerpt of the text."""
    words = str(error).removeprefix("b'").split("\\n", 1)[0].splitlines()
    return (words[0] if words else type(error).__name__)[:200]
