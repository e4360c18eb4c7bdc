"""Detects labels that mix alphabets, which look-alike names do and registries refuse (UTS 39 section 5.1)."""

from __future__ import annotations

import unicodedata

_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"})


def mixed_script(ulabel: str) -> bool:
    """Whether a label of a name in U-label form mixes alphabets, such as Latin and Cyrillic; a hint, for registries differ.

    East Asian scripts may be mixed with each other and with Latin.
    """
    return any(len(_scripts(part)) > 1 for part in ulabel.split("."))


def _scripts(label: str) -> set[str]:
    found = {unicodedata.name(char, "UNKNOWN").split(" ")[0] for char in label if char.isalpha()}
    return found - _EAST_ASIAN if found & _EAST_ASIAN else found
