"""Looks through the lines of an answer for the sentences that decide where there is no record."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate

from common.core.evidence import Phase
from common.core.parsers.release import announced_phase, in_procedure
from common.core.parsers.whois.families import Family
from common.core.parsers.whois.lines import SENTENCE_LIMIT, Shape, Subject, runs_on
from common.core.parsers.whois.sentences import BESIDE_TRIGGERS, TRIGGERS, Rule, limits, rule_of

#: Sentences looked at per answer, and places of trigger words: a verdict stands among the first, and legal text is long.
_MOST, _PLACES = 200, 2_000
_STAMP = re.compile(r"last updat\w{1,2} (?:of|on|to) (?:the )?(?:whois|registry|rdds|database)[^:]{0,20}:? *([^<]{8,60})")
_STAMP_WORD = "last updat"
#: An item of a list, as in an explanation of all states.
_ITEM = re.compile(r"[%#;\s]{0,20}[*•-]\s")
#: A sentence whose subject is a name.
_NAMES_FIRST = re.compile(r"(?:[^{}]{0,60}: ?)?(?:the |this )?(?:domain |name |domain name )?\{\}")


class Findings:
    """The first line that each rule matches.

    With `beside`, beside a record, only limits and the registry's word about a release or a deletion are looked for. `rule`
    is the one that decides, `own_free` and `free` are the free lines, `announced` is the phase that a deletion which a line
    announces means.
    """

    def __init__(self, lines: list[str], low: str, subject: Subject, family: Family, *, beside: bool) -> None:
        self.rule: Rule | None = None
        self.announced: Phase | None = None
        self.announcement = ""
        self.own_free: str | None = None
        self.free: str | None = None
        self.stamp = ""
        self.is_bare = False
        self._first: dict[Rule, str] = {}
        if _STAMP_WORD in low and (match := _STAMP.search(low)):
            self.stamp = match[1]
            self.is_bare = _is_bare(lines)
        suspects = _suspects(lines, low, BESIDE_TRIGGERS if beside else TRIGGERS)
        if beside:
            self._look_beside(lines, suspects, subject)
        else:
            self._look(lines, suspects, subject, family)

    def said_at(self, rule: Rule) -> str:
        """The line that a rule matched, with the one after it; "" where none did."""
        return self._first.get(rule, "")

    def _look_beside(self, lines: list[str], suspects: list[int], subject: Subject) -> None:
        for number in suspects:
            shape = Shape(lines[number], subject)
            if limits(shape.text):
                self._note(Rule.THROTTLED, lines[number], "".join(lines[number + 1 : number + 2]))
            elif self._is_about_us(shape, lines[number]):
                if in_procedure(shape.text):
                    self._note(Rule.DROPZONE, lines[number], "")
                self._announce(shape, lines[number])

    def _look(self, lines: list[str], suspects: list[int], subject: Subject, family: Family) -> None:
        for number in suspects:
            line = lines[number]
            shape = Shape(line, subject)
            whole = len(line) <= SENTENCE_LIMIT
            if whole and shape.text in family.free and self._object_is_ours(shape, lines[number + 1 : number + 2], subject):
                self._note(Rule.FREE, line, "")
                self.own_free = self.own_free or (None if shape.foreign else line)
                continue
            rule = rule_of(shape.text)
            if rule is Rule.DROPZONE:
                if self._is_about_us(shape, line):
                    self._note(rule, line, "")
                continue
            if rule is None and self._is_about_us(shape, line):
                self._announce(shape, line)
            if rule is None or (rule is Rule.FREE and (shape.foreign or not whole)):
                continue
            if rule is Rule.FREE:
                if self._object_is_ours(shape, lines[number + 1 : number + 2], subject):
                    self.free = self.free or line
                    self._note(rule, line, "")
                continue
            self._note(rule, line, "".join(lines[number + 1 : number + 2]))

    def _announce(self, shape: Shape, line: str) -> None:
        if self.announced is None and (phase := announced_phase(shape.text)):
            self.announced, self.announcement = phase, line.strip()

    @staticmethod
    def _is_about_us(shape: Shape, line: str) -> bool:
        """Whether a whole line may speak of our name: one that points to a page of the registry does, an item of a list not."""
        if len(line) > SENTENCE_LIMIT or _ITEM.match(line):
            return False
        return shape.named or not (shape.foreign and _NAMES_FIRST.match(shape.text))

    def _note(self, rule: Rule, line: str, following: str) -> None:
        self._first.setdefault(rule, f"{line}\n{following}" if following else line)
        if self.rule is None or rule < self.rule:
            self.rule = rule

    @staticmethod
    def _object_is_ours(shape: Shape, following: list[str], subject: Subject) -> bool:
        """False for "no object found" about a contact or a server of a record: the next line names the object."""
        if not following or not following[0].lower().startswith("object:"):
            return shape.text != "no object found"
        return not shape.foreign and subject.is_named(following[0].partition(":")[2].strip(" ."))


def _suspects(lines: list[str], low: str, triggers: tuple[str, ...]) -> list[int]:
    """Numbers of the lines that hold a trigger and do not merely continue the line before; the first `_MOST`."""
    places: set[int] = set()
    for word in triggers:
        at = low.find(word)
        while at >= 0 and len(places) < _PLACES:
            end = low.find("\n", at)
            places.add(end)
            at = low.find(word, end) if end >= 0 else -1
    if not places:
        return []
    ends = list(accumulate(len(line) + 1 for line in low.split("\n")))
    numbers = sorted({bisect_left(ends, place + 1) if place >= 0 else len(lines) - 1 for place in places})
    return [n for n in numbers if n < len(lines) and not (n and runs_on(lines[n - 1], lines[n]))][:_MOST]


def _is_bare(lines: list[str]) -> bool:
    """Whether nothing but the name stands above the time stamp that ends an answer: an object without data."""
    above: list[str] = []
    for line in lines[:20]:
        if _STAMP_WORD in line.lower():
            return len(above) == 1 and above[0].lower().startswith("domain name:")
        if line.strip() and not line.startswith("URL of the ICANN"):
            above.append(line)
    return False
