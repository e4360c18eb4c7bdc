"""WHOIS answers (RFC 3912): free text without status code, version or agreed words, parsed by rules in a fixed order.

The order makes a reading trustworthy: an empty answer, then a rate limit, then a record of exactly this name, then a name in a
release procedure or one that cannot be registered, and only then the line that says there is no such name ("free line"). What
follows no rule is unknown. Two registries end a rate limited answer with their "no entries found" line, and several print the
name in both.
"""

from __future__ import annotations

from collections.abc import Container

from common.core.model.evidence import Outcome, Phase, Reading, unknown_reading
from common.core.parsers.dates import iso_to_epoch, parse_date
from common.core.parsers.whois import words
from common.core.parsers.whois.families import Family, family_of
from common.core.parsers.whois.findings import Findings
from common.core.parsers.whois.lines import (
    LINE_COUNT,
    SENTENCE_LIMIT,
    TEXT_LIMIT,
    Subject,
    collapse_lines,
    is_markup,
    split_lines,
)
from common.core.parsers.whois.record import Record
from common.core.parsers.whois.sentences import VERDICTS, Rule, wait_of

__all__ = ["parse_whois_answer"]

#: Status words that count as sentences.
_SAID = {
    Outcome.THROTTLED: Rule.THROTTLED,
    Outcome.DROPPING: Rule.DROPZONE,
    Outcome.PREMIUM: Rule.PREMIUM,
    Outcome.RESERVED: Rule.RESERVED,
    Outcome.INVALID: Rule.INVALID,
}


def parse_whois_answer(text: str, domain: str, server: str, *, strict: bool = False) -> Reading:
    """What one WHOIS answer of `server` ("host" or "host:port") says about `domain` (A-label). Total, in linear time.

    `strict` is for live queries: only a record and a free line of the very name asked for count. Without it, a recording whose
    query was not kept (`example.<suffix>`) is read for the name that its answer prints, and the record of a name above covers
    the names below it.
    """
    if not text.strip():
        return unknown_reading("whois_empty", "the answer is empty")
    lines = split_lines(text)
    low = collapse_lines("\n".join([line[:SENTENCE_LIMIT] for line in lines]).lower())
    host = server.strip().lower().partition(":")[0].rstrip(".")
    subject = Subject(domain, strict=strict)
    family = family_of(host, low)
    record = Record(subject, day_first=family.day_first, own=family.own)
    for line in lines:
        record.read_line(line)
    findings = Findings(lines, low, subject, family, beside=record.is_record)
    reading = _decide_reading(record, findings, family)
    if reading.outcome is Outcome.UNREGISTERED and (len(text) > TEXT_LIMIT or len(lines) >= LINE_COUNT or is_markup(text)):
        return unknown_reading("whois_unparsed", "the answer is no plain text of bounded length")
    return reading


def _decide_reading(record: Record, findings: Findings, family: Family) -> Reading:
    rules = {_SAID[outcome]: word for outcome, word in record.said.items() if outcome in _SAID}
    if findings.rule is not None:
        rules.setdefault(findings.rule, findings.line_of_rule(findings.rule))
    rule = min(rules, default=None)
    if rule is Rule.THROTTLED:
        outcome, finding, reason = VERDICTS[rule]
        return Reading(outcome, finding, reason, retry_after=wait_of(findings.line_of_rule(rule)))
    if record.is_record and not _is_placeholder(record, rules):
        return _registered_reading(record, findings, family)
    if rule is not None and rule is not Rule.FREE:
        return _kept_back_reading(record, findings, rule, " ".join(rules[rule].split()))
    if findings.announced is not None:
        return _announced_reading(record, findings)
    if record.ours and not record.strong and findings.rule is None and findings.is_bare:
        return Reading(Outcome.RESERVED, "whois_reserved", "the registry prints the name and no data of a registration")
    return _free_reading(record, findings)


def _is_placeholder(record: Record, rules: Container[Rule]) -> bool:
    """Whether a record is only the registry's note that the name is reserved or in its release procedure.

    At the start of an auction .ee replaces the record by one with nothing but the name and `AtAuction`, and .br prints the name
    and its release process. A record that also has dates, a registrar or name servers is that of a registered name, whatever
    is said of an auction: nothing changes before the registry deletes it.
    """
    return not record.is_held and (Outcome.RESERVED in record.said or Rule.DROPZONE in rules)


def _registered_reading(record: Record, findings: Findings, family: Family) -> Reading:
    phase = words.phase_of_words(record.statuses, family.own, findings.announced)
    reason = "the server printed a record of the name"
    if phase is Phase.PENDING_DELETE:
        reason += f", whose deletion is announced: {words.find_announcing_word(record.statuses) or findings.announcement[:200]}"
    return Reading(
        Outcome.REGISTERED,
        "whois_registered",
        reason,
        phase=phase,
        fields=record.to_fields(),
        fresh_at=_parse_database_time(findings),
    )


def _kept_back_reading(record: Record, findings: Findings, rule: Rule, said: str) -> Reading:
    """The Reading for the line `said` by its rule: the name cannot simply be registered, or the server does not know."""
    if rule is Rule.DROPZONE and record.others and not record.ours:
        return unknown_reading("whois_wrong_name", "the answer is about another name")
    outcome, finding, reason = VERDICTS[rule]
    return Reading(outcome, finding, f"{reason}: {said[:200]}" if said else reason, fresh_at=_parse_database_time(findings))


def _announced_reading(record: Record, findings: Findings) -> Reading:
    """The Reading for a line that announces the deletion of a name, in an answer without a record of it."""
    if findings.rule is Rule.FREE or (record.others and not record.ours):
        return unknown_reading("whois_unparsed", "a deletion is announced, of another name or of one that is called free")
    reason = f"the server announces the deletion of the name: {findings.announcement[:200]}"
    return Reading(
        Outcome.REGISTERED, "whois_registered", reason, phase=findings.announced, fresh_at=_parse_database_time(findings)
    )


def _free_reading(record: Record, findings: Findings) -> Reading:
    """The Reading of an answer with a free line: the server's own one or one that any server might print; else unknown."""
    if (record.others and not record.ours) or findings.is_about_another():
        return unknown_reading("whois_wrong_name", "the answer is about another name")
    if record.strong:
        return unknown_reading("whois_unparsed", "the answer holds parts of a record but not of this name")
    said_free = record.ours and Outcome.UNREGISTERED in record.said and Outcome.REGISTERED not in record.said
    if (findings.free_at or said_free) and (doubt := findings.find_doubt()):
        return unknown_reading("whois_doubtful", f"beside the free line stands one that may mean something else: {doubt[:200]}")
    finding = "whois_free_generic"
    if findings.own_free is not None:
        finding, reason = (
            "whois_free",
            f"the server's own line says that there is no such name: {findings.own_free.strip()[:200]}",
        )
    elif findings.free is not None:
        reason = f"a line says that there is no such name: {findings.free.strip()[:200]}"
    elif said_free:
        reason = "a status says that the name is free"
    else:
        return unknown_reading("whois_unparsed", "nothing in the answer is known to mean anything")
    return Reading(Outcome.UNREGISTERED, finding, reason, fresh_at=_parse_database_time(findings))


def _parse_database_time(findings: Findings) -> float | None:
    """When the server's database was last updated, in epoch seconds; None where the answer does not say."""
    iso = parse_date(findings.stamp) if findings.stamp else None
    return iso_to_epoch(iso) if iso else None
