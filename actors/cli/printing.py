"""Text from foreign servers on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Without characters that would move a terminal's cursor."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape", "surrogatepass").decode() for mark in text)
