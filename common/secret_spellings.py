"""How a secret looks where another program repeats it: its marks may be escaped for a URL, for JSON or for HTML.

Marks are spelled one by one, because encoders differ in which of them they escape, and one may be applied after another. So the
marks that an escape is made of may be escaped themselves. Nothing is matched in two ways, or a hostile text could take long.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html.entities import html5
from itertools import groupby

#: Parts of an escape: a text may have been encoded up to three times.
_PERCENT = "%(?:25){0,2}"
_BACKSLASH = rf"(?:\\|{_PERCENT}5c)"
_BACKSLASHES = rf"{_BACKSLASH}{{0,7}}+"
_HASH, _END = f"(?:#|{_PERCENT}23)", f"(?:;|{_PERCENT}3b)"
_AMPERSAND = f"(?:&|u0026|{_PERCENT}26)(?:amp{_END}){{0,2}}"


def match_spellings(secret: str) -> str:
    r"""A regular expression, to be used without regard to case, for every spelling of a secret.

    As it is; percent-encoded (RFC 3986 section 2.1), with "+" for a blank (as in HTML forms); escaped as in JSON (RFC 8259
    section 7), also as `\/` or `\x2f`; with HTML's named and numeric references. ASCII letters and digits are never escaped.
    """
    return "".join(_match_run(mark, len(list(run))) for mark, run in groupby(secret))


@lru_cache(maxsize=256)
def _match_run(mark: str, count: int) -> str:
    """One mark, several times."""
    if mark.isascii() and mark.isalnum():
        return mark * count
    escaped = f"(?:{_BACKSLASHES}(?:{'|'.join(_list_escapes(mark))})){{{count}}}"
    if mark == "\\":  # takes those before the mark that follows, too
        return f"(?:{escaped}|{_BACKSLASH}{{{count},{8 * count}}}+)"
    return escaped


def _list_escapes(mark: str) -> list[str]:
    """What may stand for a mark, as regular expressions, without the backslashes before it."""
    number, octets, units = ord(mark), mark.encode("utf-8", "surrogatepass"), mark.encode("utf-16-be", "surrogatepass")
    names = sorted({name[:-1].lower() for name, text in html5.items() if text == mark and name.endswith(";")})
    return [
        *[re.escape(mark)] * (mark != "\\"),
        *["[+]", f"{_PERCENT}2b"] * (mark == " "),
        "".join(f"{_PERCENT}{octet:02x}" for octet in octets),
        _BACKSLASHES.join(f"u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)),
        f"x{number:02x}",
        *(f"{_AMPERSAND}{name}{_END}" for name in names),
        f"{_AMPERSAND}{_HASH}(?:0{{0,6}}{number}|x0{{0,6}}{number:x}){_END}",
    ]
