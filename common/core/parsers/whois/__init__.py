"""WHOIS answers (RFC 3912): free text without status code, version or agreed words, read by laws instead of by keywords.

The order of the laws is what makes a reading trustworthy: an empty answer, then a limit, then a record of exactly this name,
then a name that cannot be registered, and only then the line that says there is no such name. What follows none of them is
unknown. Two registries end the answer that limits us with their "no entries found" line, and several print the name in both.
"""

from __future__ import annotations

from common.core.evidence import Outcome, Phase, Reading, unknown
from common.core.parsers.dates import epoch, parse_date
from common.core.parsers.whois import words
from common.core.parsers.whois.families import family_of
from common.core.parsers.whois.findings import Findings
from common.core.parsers.whois.labels import Kind
from common.core.parsers.whois.lines import LINE_COUNT, TEXT_LIMIT, Subject, is_markup, split
from common.core.parsers.whois.record import Record
from common.core.parsers.whois.sentences import VERDICTS, Rule, wait_of

__all__ = ["read"]

#: Status words that count as sentences.
_SAID = {
    Outcome.THROTTLED: Rule.THROTTLED,
    Outcome.PREMIUM: Rule.PREMIUM,
    Outcome.RESERVED: Rule.RESERVED,
    Outcome.INVALID: Rule.INVALID,
}
_HARD_FACTS = frozenset({Kind.CREATED, Kind.EXPIRES, Kind.REGISTRAR, Kind.SERVER})


def read(text: str, domain: str, server: str, *, strict: bool = False) -> Reading:
    """What one answer of `server` ("host" or "host:port") says about `domain` (A-label). Total, in linear time.

    `strict` is for questions of our own: then only a record and a free line of the very name asked for count. Without it, a
    recording whose question was not kept (`example.<suffix>`) is read for the name that its answer prints, and the record of
    a name above covers the names below it.
    """
    if not text.strip():
        return unknown("whois_empty", "the answer is empty")
    lines = split(text)
    low = "\n".join(lines).lower()
    host = server.strip().lower().partition(":")[0].rstrip(".")
    subject = Subject(domain, strict=strict)
    family = family_of(host, low)
    record = Record(subject, day_first=family.day_first)
    for line in lines:
        record.feed(line)
    findings = Findings(lines, low, subject, family, only_limits=record.is_record)
    reading = _decide(record, findings, family.suspended)
    if reading.outcome is Outcome.UNREGISTERED and (len(text) > TEXT_LIMIT or len(lines) >= LINE_COUNT or is_markup(text)):
        return unknown("whois_unparsed", "the answer is no plain text of bounded length")
    return reading


def _decide(record: Record, findings: Findings, suspended: Phase) -> Reading:
    rule = min((_SAID[said] for said in record.said if said in _SAID), default=None)
    if findings.rule is not None and (rule is None or findings.rule < rule):
        rule = findings.rule
    if rule is Rule.THROTTLED:
        outcome, finding, reason = VERDICTS[rule]
        return Reading(outcome, finding, reason, retry_after=wait_of(findings.said_at(rule)))
    if record.is_record and not (Outcome.RESERVED in record.said and not record.strong & _HARD_FACTS):
        return _registered(record, findings, suspended)
    if rule is not None and rule is not Rule.FREE:
        outcome, finding, reason = VERDICTS[rule]
        said = findings.said_at(rule).strip()
        return Reading(outcome, finding, f"{reason}: {said[:200]}" if said else reason, fresh_at=_fresh(findings))
    if record.ours and not record.strong and findings.rule is None and findings.is_bare:
        return Reading(Outcome.RESERVED, "whois_reserved", "the registry prints the name and no data of a registration")
    return _free(record, findings)


def _registered(record: Record, findings: Findings, suspended: Phase) -> Reading:
    return Reading(
        Outcome.REGISTERED,
        "whois_registered",
        "the server printed a record of the name",
        phase=words.phase(record.statuses, suspended),
        fields=record.to_fields(),
        fresh_at=_fresh(findings),
    )


def _free(record: Record, findings: Findings) -> Reading:
    """The server's own free line, a free line that any server might print, or nothing we understand."""
    if record.others and not record.ours:
        return unknown("whois_wrong_name", "the answer is about another name")
    if record.strong:
        return unknown("whois_unparsed", "the answer holds parts of a record but not of this name")
    if findings.own_free is not None:
        reason = f"the server's own line says that there is no such name: {findings.own_free.strip()[:200]}"
        return Reading(Outcome.UNREGISTERED, "whois_free", reason, fresh_at=_fresh(findings))
    if findings.free is not None:
        reason = f"a line says that there is no such name: {findings.free.strip()[:200]}"
        return Reading(Outcome.UNREGISTERED, "whois_free_generic", reason, fresh_at=_fresh(findings))
    if record.ours and Outcome.UNREGISTERED in record.said and Outcome.REGISTERED not in record.said:
        return Reading(
            Outcome.UNREGISTERED, "whois_free_generic", "a status says that the name is free", fresh_at=_fresh(findings)
        )
    return unknown("whois_unparsed", "nothing in the answer is known to mean anything")


def _fresh(findings: Findings) -> float | None:
    """The server's own time stamp of its data, in epoch seconds."""
    iso = parse_date(findings.stamp) if findings.stamp else None
    return epoch(iso) if iso else None
