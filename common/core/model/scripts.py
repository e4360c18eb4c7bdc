"""Which alphabets a label is written in: registries refuse labels that mix them, and look-alikes do (UTS 39 section 5.1)."""

from __future__ import annotations

import unicodedata

_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"})


def mixed_script(ulabel: str) -> bool:
    """Whether one label mixes alphabets (Latin with Cyrillic or Greek ...), as look-alike names do. A hint, not a verdict.

    East Asian scripts go together with each other and with Latin.
    """
    return any(len(_scripts(part)) > 1 for part in ulabel.split("."))


def _scripts(label: str) -> set[str]:
    found = {unicodedata.name(char, "UNKNOWN").split(" ")[0] for char in label if char.isalpha()}
    return found - _EAST_ASIAN if found & _EAST_ASIAN else found
