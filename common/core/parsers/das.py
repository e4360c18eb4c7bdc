"""Answers of domain availability services (DAS): one line with a word, "Status:" lines, or comma separated fields."""

from __future__ import annotations

import re

from common.core.builtin.das_servers import BY_HOST, COMMON
from common.core.model.evidence import Outcome, Reading, unknown_reading

#: Longest answer and most lines looked at.
TEXT_LIMIT = 16_384
_MOST_LINES = 60

_FIELD = re.compile(r"[%#\s]*([A-Za-z][A-Za-z \-]{0,29}?)\s*:\s*(.{0,200})")
_FILLER = re.compile(r"^(?:the )?(?:domain )?(?:name )?(?:is )?(?:already )?")
_THROTTLED = ("excessive", "too many", "limit exceeded", "rate limit", "quota", "grace period", "try again later", "slow down")
_BANNED = ("ip blocked", "ip address blocked", "blacklist", "access denied", "not authorised", "not authorized", "refused")
_FINDINGS = {
    Outcome.UNREGISTERED: ("das_available", "the registry's availability service says it is free"),
    Outcome.REGISTERED: ("das_not_available", "the registry's availability service says it is taken"),
    Outcome.RESERVED: ("das_not_allowed", "the registry's availability service says it cannot be registered"),
    Outcome.INVALID: ("das_not_allowed", "the registry's availability service does not allow the name"),
}
#: The return codes of DNS Belgium (docs.dnsbelgium.be): -1 internal error, -2 excessive use, -3 address blocked.
_CODES = {"-2": "excessive use", "-3": "our address is blocked"}
#: Nominet's one-letter answers; B is followed by the seconds for which the client is blocked.
_LETTERS = {"N": Outcome.UNREGISTERED, "Y": Outcome.REGISTERED, "R": Outcome.RESERVED, "I": Outcome.INVALID}


def parse_das_answer(text: str, domain: str, server: str) -> Reading:
    """What one DAS answer of `server` ("host[:port]") says about `domain` (A-label). Total: any text gives a Reading.

    An outcome other than unknown needs the status in the field where the service puts it, and the name asked for wherever the
    answer repeats a name; a server without a row in `builtin.das_servers` is read by the common forms only.
    """
    lines = [line.strip() for line in text[:TEXT_LIMIT].splitlines()[:_MOST_LINES] if line.strip()]
    if not lines or len(text) > TEXT_LIMIT:
        return unknown_reading("das_unparsed", f"an answer of {len(text)} characters")
    fields = _labelled_fields(lines)
    if throttled := _throttled_reading(lines, fields):
        return throttled
    host = server.lower().strip().partition(":")[0]
    if host == "dac.nic.uk":
        return _parse_nominet_letter(lines[0], domain)
    words = COMMON | (BY_HOST[host].words if host in BY_HOST else {})
    named = fields.get("domain") or fields.get("domain name") or fields.get("domainname") or domain
    if named.lower().rstrip(".") not in {domain, domain.partition(".")[0]}:
        return unknown_reading("das_wrong_name", "the answer is about another name")
    status = fields.get("status")
    return _to_reading(words.get(_normalise_words(status)), status) if status else _parse_sentence(lines, domain, words)


def _labelled_fields(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        if match := _FIELD.fullmatch(line[:240]):
            found.setdefault(match[1].lower(), match[2].strip())
    return found


def _throttled_reading(lines: list[str], fields: dict[str, str]) -> Reading | None:
    code = fields.get("rc") or fields.get("return code") or ""
    if code in _CODES:
        return Reading(Outcome.THROTTLED, "das_throttled", f"return code {code}: {_CODES[code]}")
    if code == "-1":
        return unknown_reading("das_error", "return code -1: internal error of the service")
    low = " ".join(lines)[:4000].lower()
    for words, reason in ((_THROTTLED, "the service says that we ask too much"), (_BANNED, "the service turns us away")):
        if any(word in low for word in words):
            return Reading(Outcome.THROTTLED, "das_throttled", reason)
    return None


def _parse_sentence(lines: list[str], domain: str, words: dict[str, Outcome]) -> Reading:
    """Read an answer without a status field: "name is available", "free name", "name AVAILABLE", or the word alone."""
    if len(lines) > 1:
        lines = [line for line in lines if not line.startswith(("%", "#"))] or lines
    verdicts = set()
    for line in lines:
        low = _normalise_words(line.replace('"', " ").replace("'", " "))
        rest = re.sub(rf"(?<![\w.-]){re.escape(domain)}\.?(?![\w-])", " ", low) if domain else low
        spoken = _FILLER.sub("", _normalise_words(rest)).removesuffix(" for registration")
        if (rest != low or len(lines) == 1) and spoken in words:
            verdicts.add(words[spoken])
        if rest == low and spoken not in words and "." in low and " " not in low:
            return unknown_reading("das_wrong_name", "the answer is about another name")
    return _to_reading(verdicts.pop() if len(verdicts) == 1 else None, lines[0])


def _parse_nominet_letter(line: str, domain: str) -> Reading:
    parts = [part.strip() for part in line[:200].split(",")]
    if len(parts) < 2 or parts[0].lower() != domain:
        return unknown_reading("das_wrong_name", "the answer is about another name")
    if parts[1] == "B":
        wait = parts[2] if len(parts) > 2 else ""
        seconds = min(max(float(wait), 1.0), 86_400.0) if re.fullmatch(r"\d{1,7}", wait, re.ASCII) else None
        return Reading(Outcome.THROTTLED, "das_throttled", "blocked by the service", retry_after=seconds)
    return _to_reading(_LETTERS.get(parts[1]), parts[1])


def _to_reading(outcome: Outcome | None, said: str) -> Reading:
    if outcome is None or outcome not in _FINDINGS:
        return unknown_reading("das_unparsed", f"no known status: {said[:80]!r}")
    finding, reason = _FINDINGS[outcome]
    return Reading(outcome, finding, reason)


def _normalise_words(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .!\"'")
