"""Reads a `.env` file by the rules of docker compose, so that one file means the same to compose and to every command of ours.

The rules are those of compose-go's packages `dotenv` and `template`; only a line without a name is refused here and not there.

python-dotenv reads a third of those cases differently: it expands `${X}` in single quotes, leaves `$X` and `$$` as they are,
and skips lines that compose refuses. `tests/test_dotenv.py` holds the table, recorded from compose itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from common.errors import ConfigError

#: Largest file read, in characters.
LIMIT = 1 << 20
#: Deepest default inside of a default, as in ${A:-${B:-${C}}}.
DEEPEST = 20

_BLANK = "\t\v\f\r \x85\xa0"
_KEY = re.compile(r"[^=:\n]*")
_ODD_IN_KEY = re.compile(r"[^\w.\-\[\]\t\v\f\r \x85\xa0]")
_EXPORT = re.compile(r"export[\t\v\f\r ]+")
_ESCAPE = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-7]{1,3})')
_ESCAPED = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\", "$": "$$", "c": "\\c",
}  # fmt: skip
_NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_dotenv(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of an env file, in its order; a name without a value is left out, for the environment has its value.

    References such as `${NAME:-default}` are looked up in `environ` first and then in the lines above. Raises ValueError with
    the line's number and never with a value, which may be a secret.
    """
    if len(text) > LIMIT:
        raise ValueError(f"longer than {LIMIT} characters")
    return _Reader(text.removeprefix("\ufeff"), environ).read()


def read_dotenv(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a file, see `parse`. Raises ConfigError with the file and the line."""
    try:
        found = parse_dotenv(path.read_text(encoding="utf-8"), environ)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeError:
        raise ConfigError([f"{path}: cannot be read: it is no UTF-8 text"]) from None
    except ValueError as error:
        raise ConfigError([f"{path} {error}"]) from None
    if strange := [name for name, value in found.items() if "\0" in value]:
        raise ConfigError([f"{path}: {name} has a zero byte, which no variable can hold" for name in strange])
    return found


class _Reader:
    """Goes through the text once."""

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self._text = text
        self._environ = environ
        self._at = 0
        self._found: dict[str, str] = {}

    def read(self) -> dict[str, str]:
        while self._begin():
            start = self._at
            try:
                name = self._name()
                if name is not None:
                    self._found[name] = self._value()
            except ValueError as error:
                raise ValueError(f"line {self._text.count(chr(10), 0, start) + 1}: {error}") from None
        return self._found

    def _begin(self) -> bool:
        """Go to the next line that says something."""
        while self._at < len(self._text):
            mark = self._text[self._at]
            if mark == "#":
                self._at = self._end_of_line()
            elif mark.isspace():
                self._at += 1
            else:
                return True
        return False

    def _name(self) -> str | None:
        """The name before "=" (or ":"); None where the line has neither."""
        if (export := _EXPORT.match(self._text, self._at)) is not None:
            self._at = export.end()
        match = _KEY.match(self._text, self._at)
        name = match.group() if match else ""
        if _ODD_IN_KEY.search(name):
            raise ValueError("must be NAME=value: the name has a character that no name has")
        self._at += len(name)
        assigned = self._text[self._at : self._at + 1] in {"=", ":"}
        self._at += 1
        name = name.rstrip()
        if any(mark.isspace() for mark in name) or not name:
            raise ValueError("must be NAME=value: there is no name, or one with a blank in it")
        return name if assigned else None

    def _value(self) -> str:
        while self._text[self._at : self._at + 1] in set(_BLANK):
            self._at += 1
        quote = self._text[self._at : self._at + 1]
        if quote in {"'", '"'}:
            inner = self._quoted(quote)
            return inner if quote == "'" else self._expanded(_ESCAPE.sub(_unescaped, inner))
        end = self._end_of_line()
        value, self._at = self._text[self._at : end], end
        return self._expanded(value.partition(" #")[0].rstrip())

    def _quoted(self, quote: str) -> str:
        """What stands between quotes, over several lines if need be; only the quote itself is taken out of its backslash."""
        parts: list[str] = []
        at = self._at + 1
        while at < len(self._text):
            mark, following = self._text[at], self._text[at + 1 : at + 2]
            if mark == quote:
                self._at = at + 1
                return "".join(parts)
            if mark == "\\" and following:
                parts.append(following if following == quote else mark + following)
                at += 2
            else:
                parts.append(mark)
                at += 1
        raise ValueError("the closing quote is missing")

    def _expanded(self, text: str) -> str:
        def look_up(name: str) -> str | None:
            return self._environ.get(name, self._found.get(name))

        return expand(text, look_up)

    def _end_of_line(self) -> int:
        end = self._text.find("\n", self._at)
        return len(self._text) if end < 0 else end


def expand(text: str, look_up: Callable[[str], str | None], depth: int = DEEPEST) -> str:
    """The text with `$NAME`, `${NAME}`, `${NAME:-default}`, `:+`, `:?` and their forms without colon; `$$` is one "$".

    Raises ValueError for a reference that makes no sense and for a required variable that is not there.
    """
    if depth == 0:
        raise ValueError("defaults inside of defaults, too deep")
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        at = dollar + 1
        if text.startswith("$", at):
            parts.append("$")
            at += 1
        elif text.startswith("{", at):
            end = _closing(text, at)
            parts.append(_braced(text[at + 1 : end], look_up, depth))
            at = end + 1
        elif (named := _NAMED.match(text, at)) is not None:
            parts.append(look_up(named.group()) or "")
            at = named.end()
        else:
            parts.append("$")
    return "".join((*parts, text[at:]))


def _braced(inner: str, look_up: Callable[[str], str | None], depth: int) -> str:
    named = _NAMED.match(inner)
    if named is None:
        raise ValueError("${...} must hold a name")
    name, rest = named.group(), inner[named.end() :]
    colon, rest = rest.startswith(":"), rest.removeprefix(":")
    mark, word = rest[:1], rest[1:]
    if mark not in {"", "-", "+", "?"} or (colon and not mark):
        raise ValueError(
            f"${{{name}...}} must be ${{{name}}}, ${{{name}:-default}}, ${{{name}:+other}} or ${{{name}:?message}}"
        )
    value = look_up(name)
    there = bool(value) if colon else value is not None
    if mark == "+":
        return expand(word, look_up, depth - 1) if there else ""
    if there or not mark:
        return value or ""
    if mark == "?":
        raise ValueError(f"{name} must be set: {expand(word, look_up, depth - 1)[:200] or 'it is required here'}")
    return expand(word, look_up, depth - 1)


def _closing(text: str, start: int) -> int:
    """Where the brace at `start` is closed."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
    raise ValueError("${ without }")


def _unescaped(match: re.Match[str]) -> str:
    mark = match.group()[1:]
    return chr(int(mark, 8) & 0xFF) if mark[0] == "0" else _ESCAPED[mark]
