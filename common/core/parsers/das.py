"""Text answers of domain availability services (DAS): one line with a word, "Status:" lines, or comma separated fields.

Only a status in the field where the service puts it, about the name asked for, and without a contradiction counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import idna

from common.core.builtin.das_servers import BY_HOST, COMMON, PLAIN, DasServer, Form
from common.core.builtin.doubt_words import DOUBTFUL, find_first_word, fold_text
from common.core.model.evidence import Outcome, Reading, unknown_reading
from common.core.parsers import limiting
from common.core.parsers.disclaimers import is_disclaimer
from common.core.parsers.whois.sentences import wait_of

#: Longest answer that is read, in characters and in lines, and longest "label: value" line.
TEXT_LIMIT = 16_384
_MOST_LINES = 60
_LONGEST_FIELD = 240

_FIELD = re.compile(r"[%#\s]*([A-Za-z][A-Za-z _\-]{0,29}?)\s*:\s*(.*)")
_FILLER = re.compile(r"^(?:the |this )?(?:domain )?(?:name )?(?:is )?(?:already )?")
_NAME_LABELS = ("domain", "domain name", "domainname")
#: The labels of a status, the one that decides first: the .dk service has a "status" of the query beside that of the name.
_STATUS_LABELS = ("domain_status", "status")
_KNOWN_LABELS = frozenset({*_NAME_LABELS, *_STATUS_LABELS, "rc", "return code"})
_THROTTLED = ("excessive", "too many", "limit exceeded", "rate limit", "quota", "grace period", "try again later", "slow down")
_BANNED = ("blacklist", "access denied", "referral denied", "not authorised", "not authorized", "refused")
_OUR_ADDRESS = re.compile(r"\bip(?: address)?\b.{0,60}\b(?:blocked|not registered|not known|unknown)\b")
_WAIT = re.compile(r"grace period of (\d{1,5}) seconds?\b")
_SENTENCE_END = re.compile(r"[.!;]\s+")
_HTML = re.compile(r"<(?:!doctype|html|head|body|title)\b", re.IGNORECASE)
_FINDINGS = {
    Outcome.UNREGISTERED: ("das_available", "the registry's availability service says it is free"),
    Outcome.REGISTERED: ("das_not_available", "the registry's availability service says it is taken"),
    Outcome.RESERVED: ("das_not_allowed", "the registry's availability service says it cannot be registered"),
    Outcome.INVALID: ("das_not_allowed", "the registry's availability service does not allow the name"),
    Outcome.DROPPING: ("das_release_process", "the registry's availability service says it is being released"),
}
#: The return codes of DNS Belgium (docs.dnsbelgium.be): -1 internal error, -2 excessive use, -3 address blocked.
_CODES = {"-2": "excessive use", "-3": "our address is blocked"}
#: Nominet's one-letter answers; B is followed by the seconds for which the client is blocked.
_LETTERS = {"N": Outcome.UNREGISTERED, "Y": Outcome.REGISTERED, "R": Outcome.RESERVED, "I": Outcome.INVALID}

Fields = Mapping[str, set[str]]


def parse_das_answer(text: str, domain: str, server: str) -> Reading:
    """What one text answer of `server` ("host[:port]") says about `domain` (A-label). Total: any text gives a Reading.

    A server without a row in `builtin.das_servers` is read by the common forms only.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()] if len(text) <= TEXT_LIMIT else []
    fields = _labelled_fields(lines)
    if useless := _unreadable_reading(text, lines) or _limited_reading(lines, fields):
        return useless
    dialect = BY_HOST.get(server.lower().strip().partition(":")[0], PLAIN)
    if dialect.form is Form.LETTERS:
        return _parse_letters(lines, domain)
    names = _spellings(domain, dialect)
    if not _labelled_names(fields) <= names:
        return unknown_reading("das_wrong_name", "the answer is about another name")
    return _parse_statuses(lines, fields, dialect, names)


def _to_reading(outcome: Outcome | None, said: str) -> Reading:
    """The reading of a status, None for one that is not known; `said` is how the service put it."""
    if outcome is None:
        return unknown_reading("das_unparsed", f"no known status: {said!r}")
    finding, reason = _FINDINGS[outcome]
    return Reading(outcome, finding, reason)


def _unreadable_reading(text: str, lines: list[str]) -> Reading | None:
    if len(text) > TEXT_LIMIT or len(lines) > _MOST_LINES:
        return unknown_reading("das_too_large", f"an answer of more than {TEXT_LIMIT} characters or {_MOST_LINES} lines")
    if not lines:
        return unknown_reading("das_unparsed", "an answer without text")
    if _HTML.search(text):
        return unknown_reading("das_html", "a web page instead of an answer")
    return None


def _labelled_fields(lines: list[str]) -> Fields:
    """The values of "label: value" lines by label, in lower case."""
    found: dict[str, set[str]] = {}
    for line in lines:
        if match := _match_field(line):
            found.setdefault(match[1].lower(), set()).add(match[2].strip().lower())
    return found


def _match_field(line: str) -> re.Match[str] | None:
    return _FIELD.fullmatch(line) if len(line) <= _LONGEST_FIELD else None


def _labelled_names(fields: Fields) -> set[str]:
    return {value.rstrip(".") for label in _NAME_LABELS for value in fields.get(label, ())}


def _limited_reading(lines: list[str], fields: Fields) -> Reading | None:
    """The reading of an answer that reports an error of the service or a rate limit, whatever else it says; None for others."""
    codes = fields.get("rc", set()) | fields.get("return code", set())
    for code, meaning in _CODES.items():
        if code in codes:
            return _throttled_reading(f"return code {code}: {meaning}", lines)
    if "-1" in codes:
        return unknown_reading("das_error", "return code -1: internal error of the service")
    folded = [fold_text(line.lstrip("%# ")) for line in lines]
    told = [line for line in folded if not is_disclaimer(line)]
    statements = [statement for line in folded for statement in _SENTENCE_END.split(line)]
    if any(word in line for line in told for word in _BANNED) or any(map(_OUR_ADDRESS.search, told)):
        return _throttled_reading("the service has blocked our address", lines)
    if any(word in line for line in told for word in _THROTTLED) or any(map(limiting.reports_rate_limit, statements)):
        return _throttled_reading("the service says that we ask too much", lines)
    if any(line.startswith("error - ") for line in told):
        return unknown_reading("das_error", "the service reports an error of its own")
    return None


def _throttled_reading(reason: str, lines: list[str]) -> Reading:
    text = " ".join(lines).lower()
    grace = _WAIT.search(text)
    wait = min(max(float(grace[1]), 1.0), 86_400.0) if grace else wait_of(text)
    return Reading(Outcome.THROTTLED, "das_throttled", reason, retry_after=wait)


def _spellings(domain: str, dialect: DasServer) -> set[str]:
    """How an answer of this service may spell the name that it is about."""
    try:
        names = {domain, idna.decode(domain).lower()} if "xn--" in domain else {domain}
    except (idna.IDNAError, UnicodeError):
        names = {domain}
    if "{label}" in dialect.query:
        names |= {name.partition(".")[0] for name in names}
    return names


def _parse_statuses(lines: list[str], fields: Fields, dialect: DasServer, names: set[str]) -> Reading:
    """Collect what every line says of the name: it counts where all agree."""
    words = {**COMMON, **dialect.words}
    label = next((label for label in _STATUS_LABELS if label in fields), "")
    statuses = fields.get(label, set())
    found = {words.get(_normalise_words(status)) for status in statuses}
    plain = [line for line in lines if not line.startswith(("%", "#"))] or lines
    nameless = len(plain) == 1 and not statuses and not dialect.is_web  # a web page that says "available" is no answer
    remarks = []
    for line in plain:
        spoken, named = _spoken_words(line, names)
        if field := _match_field(line):
            remarks += [spoken] if field[1].lower() not in _KNOWN_LABELS else []
        elif named or nameless:
            if not named and "." in spoken and " " not in spoken:
                return unknown_reading("das_wrong_name", "the answer is about another name")
            found.add(words.get(spoken))
        else:
            remarks.append(spoken)
    if len(found) != 1:
        return unknown_reading("das_unparsed", f"{'several' if found else 'no'} statuses: {lines[0]!r}")
    reading = _to_reading(found.pop(), next(iter(statuses), lines[0]))
    if reading.outcome is Outcome.UNREGISTERED and any(find_first_word(DOUBTFUL, fold_text(remark)) for remark in remarks):
        return unknown_reading("das_unparsed", "a free name with a remark that makes it doubtful")
    return reading


def _spoken_words(line: str, names: set[str]) -> tuple[str, bool]:
    """What an unlabelled line says, without the name: "name is available", "free name", "name AVAILABLE"; and if it has it."""
    low = rest = _normalise_words(line.replace('"', " ").replace("'", " "))
    for name in filter(None, names):
        rest = re.sub(rf"(?<![\w.-]){re.escape(name)}\.?(?![\w-])", " ", rest)
    return _FILLER.sub("", _normalise_words(rest)).removesuffix(" for registration"), rest != low


def _parse_letters(lines: list[str], domain: str) -> Reading:
    """Read Nominet's "name,letter[,...]" (real-time DAC instructions)."""
    rows = [[part.strip() for part in line.split(",")] for line in lines if "," in line]
    if not rows or any(row[0].lower() != domain for row in rows):
        return unknown_reading("das_wrong_name", "the answer is about another name")
    if blocked := next((row for row in rows if row[1] == "B"), None):
        wait = blocked[2] if len(blocked) > 2 else ""
        seconds = min(max(float(wait), 1.0), 86_400.0) if re.fullmatch(r"\d{1,7}", wait, re.ASCII) else None
        return Reading(Outcome.THROTTLED, "das_throttled", "blocked by the service", retry_after=seconds)
    said = {row[1] for row in rows}
    return _to_reading(_LETTERS.get(said.pop()) if len(said) == 1 else None, rows[0][1])


def _normalise_words(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .!\"'")
