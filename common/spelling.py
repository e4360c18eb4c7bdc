"""Names that were meant to be others: two are close where dropping one character from either or both makes them equal.

That is a letter too many, too few, wrong or in the wrong place, and nothing else: `HTTP_PROXY` is not close to `HTTP_PORT`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

#: Likeness from which `likely` names a word, from 0 to 1 (difflib): a fifth of a name may be missing.
LIKENESS = 0.8
#: Longest word looked at, in characters.
LONGEST = 100


def find_slip(word: str, known: tuple[str, ...]) -> str | None:
    """The known name that is one slip of the pen away from the word; None where there is none, or it is known itself."""
    if word in known or len(word) > LONGEST:
        return None
    index = _index(known)
    return next((index[form] for form in _shortened(word) if form in index), None)


def likely(word: str, known: tuple[str, ...]) -> str | None:
    """Like `close`; or else the same name in capitals, or the known name that shares most with the word, if that is a lot."""
    if word in known or len(word) > LONGEST:
        return None
    import difflib  # noqa: PLC0415  # for mistakes alone

    alike = word.upper() if word.upper() in known else None
    return find_slip(word, known) or alike or next(iter(difflib.get_close_matches(word, known, 1, LIKENESS)), None)


@lru_cache(maxsize=8)
def _index(known: tuple[str, ...]) -> dict[str, str]:
    """Every known name by itself and by itself without any one character; the first name wins."""
    found: dict[str, str] = {}
    for name in known:
        for form in _shortened(name):
            found.setdefault(form, name)
    return found


def _shortened(word: str) -> Collection[str]:
    return (word, *(word[:at] + word[at + 1 :] for at in range(len(word))))
