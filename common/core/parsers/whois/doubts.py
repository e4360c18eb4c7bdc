"""Find lines beside a free line that no rule matches and that may mean that the name cannot be registered.

A free line says that the registry has no such object, and many registries print it for reserved names, with the reason in a
line of its own. Such lines come in every language and in any words, so they are recognised by their place: they stand above the
disclaimer, no rule matches them, and they hold a doubtful word or stand behind "Notes:" or a similar label. With one of them an
answer proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from common.core.builtin.doubt_words import ANY, REMARK_LABELS, find_first_word, fold_text
from common.core.model.evidence import Outcome
from common.core.parsers.disclaimers import is_disclaimer, is_liability_clause
from common.core.parsers.whois import words
from common.core.parsers.whois.labels import Kind, kind_of, normalise_label
from common.core.parsers.whois.lines import LEADERS, SENTENCE_LIMIT, SentenceShape, Subject, runs_on

#: A sentence about the name asked for is no disclaimer, whatever words it holds.
_ABOUT_ONE = re.compile(
    r"(?:sorry,? )?(?:registration of )?(?:the |this |that |your )?(?:requested |queried )?"
    r"(?:\{\}|(?:domain name|domain|name|string|label)(?: \{\}| you (?:requested|have|apply|want))?)"
    r" (?:is|has|was|are|will|can|may|must|could|cannot|requires|needs|violates)\b"
)
#: Longest statement below a disclaimer, in characters.
_STATEMENT = 120
#: Line ends within a wrapped paragraph that make it prose.
_WRAPPED = 2
#: Remarks that only point to a web page or an address.
_POINTER = re.compile(r"https?://|www\.|@|\[at\]")
_NOTHING = frozenset(("", "-", "--", "n/a", "none", "no", "null", "nil", "0", "."))
#: Labels that open disclaimers as often as remarks: these need a doubtful word as well.
_WEAK = frozenset(
    {"notice", "note", "information", "info", "important", "attention", "warning", "details", "detail", "description", "error"}
    | {"message", "caution", "condition"}
)


def remark_of(text: str) -> tuple[str, str] | None:
    """Label and value (both folded) of a line labelled "Notes:", "Reason:" or similar; None for any other line."""
    at = text.find(":", 0, 40)
    if at <= 0:
        return None
    label = fold_text(normalise_label(text[:at].strip(LEADERS)))
    return (label, fold_text(text[at + 1 :]).strip(" .")) if label in REMARK_LABELS else None


def doubt_beside(lines: Sequence[str], free: Sequence[int], subject: Subject, understood: frozenset[int]) -> str:
    """The first line that makes the free lines (their numbers in `free`) doubtful; "" where none does.

    `understood` holds the numbers of the lines that a rule matches.
    """
    behind = False
    for number in _number_statements(lines, free, subject):
        line = lines[number].strip()
        remark = remark_of(line)
        if number in understood:
            behind = False
        elif behind:
            if line.strip(LEADERS) and not line.startswith(">>>"):
                return line
            behind = False
        elif remark is not None and remark[1] in _NOTHING:
            behind = not remark[1] and remark[0] not in _WEAK
        elif _is_doubt(line, remark, subject):
            return line
    return ""


def _is_doubt(line: str, remark: tuple[str, str] | None, subject: Subject) -> bool:
    doubtful = bool(find_first_word(ANY, fold_text(SentenceShape(line, subject).text)))
    if remark is not None and not doubtful and remark[0] not in _WEAK:
        return not _POINTER.search(remark[1])
    label, colon, value = line.strip(LEADERS).partition(":")
    kind = kind_of(normalise_label(label)) if colon else None
    if kind is Kind.STATUS and value.strip(" .-") and (doubtful or normalise_label(label) != "state"):
        return words.outcome_of(words.normalise_word(value)) is not Outcome.UNREGISTERED
    return doubtful and kind is None


def _number_statements(lines: Sequence[str], free: Sequence[int], subject: Subject) -> Iterator[int]:
    """Numbers of the lines that may be about the name: those above the disclaimer, outside of legal paragraphs.

    Below it only a line counts that opens a paragraph of its own and has the form of a statement about one name.
    """
    first = free[0]
    start = 0
    for number in range(first + 1):
        if number == first or not lines[number].strip(LEADERS):
            if not any(_is_legal(lines, at, subject) for at in range(start, number)):
                yield from range(start, number)
            start = number + 1
    below = False
    for number in range(first + 1, len(lines)):
        if below:
            if not lines[number - 1].strip(LEADERS) and _is_statement(lines, number, subject):
                yield number
        elif lines[number].strip(LEADERS) and _is_legal(lines, number, subject):
            below = True
        else:
            yield number


def _is_statement(lines: Sequence[str], number: int, subject: Subject) -> bool:
    """Whether a line is a short sentence about one name, or a remark or a status behind its label."""
    line = lines[number]
    if len(line) > _STATEMENT or _is_legal(lines, number, subject):
        return False
    remark = remark_of(line)
    if remark is not None:
        return remark[0] not in _WEAK
    label, colon, _ = line.strip(LEADERS).partition(":")
    return (
        bool(colon and kind_of(normalise_label(label)) is Kind.STATUS)
        or _ABOUT_ONE.match(fold_text(SentenceShape(line, subject).text)) is not None
    )


def _is_legal(lines: Sequence[str], number: int, subject: Subject) -> bool:
    """Whether a line belongs to a disclaimer: by its length, by its words, or as part of wrapped prose."""
    line = lines[number]
    if len(line) > SENTENCE_LIMIT:
        return True
    shape = SentenceShape(line, subject)
    text = fold_text(shape.text)
    remark = remark_of(line)
    if is_liability_clause(text):
        return True
    if (_ABOUT_ONE.match(text) and not shape.foreign) or (remark is not None and remark[0] not in _WEAK):
        return False
    return is_disclaimer(text) or _is_prose(lines, number)


def _is_prose(lines: Sequence[str], number: int) -> bool:
    """Whether a line opens three or more that are wrapped, or runs on into a line of a disclaimer."""
    following = 0
    for at in range(number, min(number + 3, len(lines) - 1)):
        if not _runs_on(lines[at], lines[at + 1]):
            return following >= _WRAPPED
        following += 1
        if is_disclaimer(fold_text(lines[at + 1])):
            return True
    return following >= _WRAPPED


def _runs_on(line: str, following: str) -> bool:
    """Whether the next line continues this one; a label in front of this one does not matter, one in front of the next does."""
    begins = following.strip(LEADERS)
    if not begins or following[:1] == ">" or (": " in following[:30] and begins[:1].isupper()):
        return False
    return runs_on(line[:1] + line.partition(": ")[2] if ": " in line[:30] else line, following)
