"""Search the lines of an answer for the sentences that decide it where there is no record of the name."""

from __future__ import annotations

import re

from common.core.model.evidence import Outcome, Phase
from common.core.parsers import limiting
from common.core.parsers.release import announced_phase, in_procedure
from common.core.parsers.whois import words
from common.core.parsers.whois.doubts import doubt_beside, remark_of
from common.core.parsers.whois.echoes import names_another
from common.core.parsers.whois.families import Family
from common.core.parsers.whois.lines import SENTENCE_LIMIT, SentenceShape, Subject, runs_on
from common.core.parsers.whois.sentences import BESIDE_TRIGGERS, SCRIPT_TRIGGERS, TRIGGERS, Rule, is_throttling, rule_of

#: Sentences matched per answer, and places of trigger words: what decides stands among the first, and legal text is long.
_MOST, _PLACES = 200, 2_000
_STAMP = re.compile(r"last updat\w{1,2} (?:of|on|to) (?:the )?(?:whois|registry|rdds|database)[^:]{0,20}:? *([^<]{8,60})")
_STAMP_WORD = "last updat"
#: The rule for the outcome of a status word behind "Reason:" or a similar label.
_SAID: dict[Outcome | None, Rule] = {
    Outcome.PREMIUM: Rule.PREMIUM,
    Outcome.RESERVED: Rule.RESERVED,
    Outcome.INVALID: Rule.INVALID,
}
#: An item of a list, as in an explanation of all states.
_ITEM = re.compile(r"[%#;\s]{0,20}[*•-]\s")
#: A sentence whose subject is a name.
_NAMES_FIRST = re.compile(r"(?:[^{}]{0,60}: ?)?(?:the |this )?(?:domain |name |domain name )?\{\}")


class Findings:
    """The first line that each rule matches.

    `beside`: the answer holds a record, so only rate limits and statements about a release or a deletion are searched.
    `rule` is the one that decides, `own_free` and `free` are the free lines of the server's family and of any other,
    `announced` is the phase of an announced deletion.
    """

    def __init__(self, lines: list[str], low: str, subject: Subject, family: Family, *, beside: bool) -> None:
        self.rule: Rule | None = None
        self.announced: Phase | None = None
        self.announcement = ""
        self.own_free: str | None = None
        self.free: str | None = None
        self.stamp = ""
        self.is_bare = False
        self.foreign = False  # a free line names another name, so nothing here is about the name asked for
        self.free_at: list[int] = []
        self._lines, self._subject = lines, subject
        self._understood: set[int] = set()
        self._first: dict[Rule, str] = {}
        if _STAMP_WORD in low and (match := _STAMP.search(low)):
            self.stamp = match[1]
            self.is_bare = _is_bare(lines)
        triggers = BESIDE_TRIGGERS if beside else TRIGGERS if low.isascii() else TRIGGERS + SCRIPT_TRIGGERS
        suspects = _find_suspect_lines(lines, low, triggers)
        if beside:
            self._read_beside_record(suspects)
        else:
            self._read_suspects(suspects, family)

    def line_of_rule(self, rule: Rule) -> str:
        """The first line that a rule matched, with the line behind it; "" where none did."""
        return self._first.get(rule, "")

    def find_doubt(self) -> str:
        """A line beside the free ones that may mean that the name cannot be registered; "" where there is none."""
        free = self.free_at or [len(self._lines) - 1]
        return doubt_beside(self._lines, free, self._subject, frozenset(self._understood))

    def is_about_another(self) -> bool:
        """Whether a free line, or the query as the server repeats it, names another name."""
        return self.foreign or names_another(self._lines, self._subject)

    def _read_beside_record(self, suspects: list[int]) -> None:
        for number in suspects:
            line = self._lines[number]
            shape = SentenceShape(line, self._subject)
            if is_throttling(shape.text):
                self._note_rule(Rule.THROTTLED, line, "".join(self._lines[number + 1 : number + 2]))
            elif self._is_about_us(shape, line):
                if in_procedure(shape.text):
                    self._note_rule(Rule.DROPZONE, line, "")
                self._note_announcement(shape, line)

    def _read_suspects(self, suspects: list[int], family: Family) -> None:
        put_off = ""
        for number in suspects:
            shape = SentenceShape(self._lines[number], self._subject)
            if not self._read_suspect(number, shape, family) and not put_off and limiting.asks_to_retry_later(shape.text):
                put_off = self._lines[number]
        if put_off and self.rule in {None, Rule.FREE}:
            self._note_rule(Rule.THROTTLED, put_off, "")

    def _read_suspect(self, number: int, shape: SentenceShape, family: Family) -> bool:
        """Note the rule that one line matches; False where it matches none."""
        line = self._lines[number]
        whole = len(line) <= SENTENCE_LIMIT
        if whole and shape.text in family.free and self._object_is_ours(shape, number):
            self._note_free_line(number, shape)
            self.own_free = self.own_free or (None if shape.foreign else line)
            return True
        rule = rule_of(shape.text)
        if rule is None:
            rule = _rule_of_remark(line, shape)
        about_us = self._is_about_us(shape, line)
        if rule is None:
            if about_us:
                self._note_announcement(shape, line)
            return False
        self._understood.add(number)
        if rule is Rule.FREE:
            if whole:
                self._read_free_line(number, shape)
        elif rule is not Rule.DROPZONE:
            self._note_rule(rule, line, "".join(self._lines[number + 1 : number + 2]))
        elif about_us:
            self._note_rule(rule, line, "")
        return True

    def _read_free_line(self, number: int, shape: SentenceShape) -> None:
        """Note a free line that any server might print; one about another name makes the whole answer foreign."""
        if shape.foreign:
            self.foreign = self.foreign or not shape.named
        elif self._object_is_ours(shape, number):
            self.free = self.free or self._lines[number]
            self._note_free_line(number, shape)

    def _note_free_line(self, number: int, shape: SentenceShape) -> None:
        self._note_rule(Rule.FREE, self._lines[number], "")
        self.foreign = self.foreign or (shape.foreign and not shape.named)
        self.free_at.append(number)
        self._understood.add(number)

    def _note_announcement(self, shape: SentenceShape, line: str) -> None:
        if self.announced is None and (phase := announced_phase(shape.text)):
            self.announced, self.announcement = phase, line.strip()

    @staticmethod
    def _is_about_us(shape: SentenceShape, line: str) -> bool:
        """Whether a whole line may be about the name asked for: it names it or no other, and is no item of a list."""
        if len(line) > SENTENCE_LIMIT or _ITEM.match(line):
            return False
        return shape.named or not (shape.foreign and _NAMES_FIRST.match(shape.text))

    def _note_rule(self, rule: Rule, line: str, following: str) -> None:
        self._first.setdefault(rule, f"{line}\n{following}" if following else line)
        if self.rule is None or rule < self.rule:
            self.rule = rule

    def _object_is_ours(self, shape: SentenceShape, number: int) -> bool:
        """False for "no object found" about a contact or a server of a record: the next line names the object."""
        following = "".join(self._lines[number + 1 : number + 2])
        if not following.lower().startswith("object:"):
            return shape.text != "no object found"
        return not shape.foreign and self._subject.is_named(following.partition(":")[2].strip(" ."))


def _rule_of_remark(line: str, shape: SentenceShape) -> Rule | None:
    """The rule that the value of a line labelled "Reason:", "Notes:" or similar matches, FREE excepted; None for none."""
    remark = remark_of(line)
    if remark is None:
        return None
    said = shape.text.partition(":")[2].strip(" .")
    rule = rule_of(said)
    if rule is None:
        rule = _SAID.get(words.outcome_of(said))
    return None if rule is Rule.FREE else rule


def _find_suspect_lines(lines: list[str], low: str, triggers: tuple[str, ...]) -> list[int]:
    """Numbers of the lines that hold a trigger word and do not continue a wrapped paragraph; the first `_MOST`."""
    places: set[int] = set()
    for word in triggers:
        at = low.find(word)
        while at >= 0 and len(places) < _PLACES:
            end = low.find("\n", at)
            places.add(end if end >= 0 else len(low))
            at = low.find(word, end) if end >= 0 else -1
    found, number, before = [], 0, 0
    for place in sorted(places):
        number += low.count("\n", before, place)
        before = place
        if number < len(lines) and not (number and runs_on(lines[number - 1], lines[number])):
            found.append(number)
    return found[:_MOST]


def _is_bare(lines: list[str]) -> bool:
    """Whether nothing but the name stands above the time stamp that ends an answer: an object without data."""
    above: list[str] = []
    for line in lines[:20]:
        if _STAMP_WORD in line.lower():
            return len(above) == 1 and above[0].lower().startswith("domain name:")
        if line.strip() and not line.startswith("URL of the ICANN"):
            above.append(line)
    return False
