"""RDAP answers (RFC 7480, 9082, 9083): from status, headers and body to a Reading.

Only two answers prove something: 200 with a domain object of exactly the name asked, and 404 with an RDAP error (or an empty
body) from the host that the bootstrap file names for the suffix. Any other 404 comes from a wrong server, a firewall or an
aggregator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from common.core.builtin import rdap_phrases as phrases
from common.core.builtin.doubt_words import DOUBTFUL, RELEASING, find_first_word, fold_text
from common.core.builtin.rdap_hosts import AGGREGATORS, SAME_OPERATOR
from common.core.model.evidence import Outcome, Phase, Reading, unknown_reading
from common.core.parsers import bounded_json, limiting, rdap_record, release
from common.core.parsers.disclaimers import is_disclaimer
from common.core.parsers.retry_after import parse_retry_after
from common.core.parsers.statuses import phase_of

#: Largest body judged, in bytes. A domain object has some KiB.
BODY_LIMIT = 256 * 1024
#: Keys that decide: an answer in which one occurs twice with different values is refused.
_ONCE = frozenset({"objectClassName", "ldhName", "unicodeName", "errorCode", "status"})
#: How much of a body that is no JSON is searched for rate limit phrases, in bytes.
_GLANCE = 4096
_JSON_TYPES = frozenset({"application/rdap+json", "application/json"})
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_FREE_STATUSES = frozenset({"available", "free", "unregistered", "not registered", "unassigned"})
#: Most statements of one answer that are read.
_STATEMENTS = 200
#: Longest notice that may be a remark about one name, in characters; terms of use are longer.
_REMARK = 300
_END = re.compile(r"[.!;]\s+|\n")
#: Phases in which the registry is deleting the name: the object is then no placeholder, whatever is said of an auction.
_LEAVING = frozenset({Phase.PENDING_RESTORE, Phase.REDEMPTION, Phase.PENDING_DELETE})


def parse_rdap_answer(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    domain: str,
    *,
    final_host: str = "",
    expected_host: str = "",
    now: float | None = None,
) -> Reading:
    """What one RDAP answer says about `domain` (A-label). Total: any input gives a Reading.

    `final_host` is the host that answered after redirects and `expected_host` the one that the directory names for the suffix
    (empty: not checked); `now` is in epoch seconds, for dates in Retry-After and future time stamps.
    """
    heads = {key.lower(): value for key, value in headers.items()}
    if status in {429, 503}:
        wait = parse_retry_after(heads.get("retry-after"), now)
        return Reading(Outcome.THROTTLED, f"rdap_{status}", f"the server limits us (HTTP {status})", retry_after=wait)
    if final_host and expected_host and not same_operator(final_host, expected_host):
        return unknown_reading("rdap_other_host", f"{final_host} answered in place of {expected_host}")
    answer = _Answer(
        status=status,
        headers=heads,
        body=body,
        domain=rdap_record.normalise_to_alabel(domain),
        host=final_host.lower(),
        now=now,
    )
    if status == 200:
        return answer.read_ok()
    if status == 404:
        return answer.read_not_found()
    return answer.read_failure()


def same_operator(host: str, other: str) -> bool:
    """Whether two RDAP hosts are the same, or known to be run by the same registry back end."""
    pair = {host.lower().rstrip("."), other.lower().rstrip(".")}
    return len(pair) == 1 or any(pair <= group for group in SAME_OPERATOR)


class _Answer:
    """One answer while it is parsed. `problem`: why its body is no JSON object."""

    def __init__(
        self, *, status: int, headers: Mapping[str, str], body: bytes, domain: str, host: str, now: float | None
    ) -> None:
        self.status = status
        self.type = headers.get("content-type", "").partition(";")[0].strip().lower()
        self.retry_after = parse_retry_after(headers.get("retry-after"), now)
        self.body = body
        self.domain = domain
        self.host = host
        self.now = now
        self.problem = ""

    def read_ok(self) -> Reading:
        """Read a 200: the domain object, an error sent with status 200, or something that is no RDAP."""
        record = self._parse_body()
        if record is None:
            return self._not_rdap()
        if record.get("objectClassName") != "domain" or "errorCode" in record:
            return self._no_proof(record, "rdap_no_domain", "an RDAP answer without a domain object")
        if self.type and self.type not in _JSON_TYPES and "rdapConformance" not in record:
            return unknown_reading("rdap_content_type", f"the object came as {self.type[:80]}")
        if not self.domain or not rdap_record.same_name(record, self.domain):
            return unknown_reading("rdap_wrong_name", f"the object is not about {self.domain or 'a domain'}"[:300])
        return self._read_record(record)

    def read_not_found(self) -> Reading:
        """Read a 404: no such object, if the registry's own server says so and adds nothing that makes it doubtful."""
        if self.host in AGGREGATORS:
            return unknown_reading("rdap_aggregator", f"{self.host} is no registry: its 404 says nothing")
        if not self.body.strip() and self.type not in _HTML_TYPES:
            return Reading(Outcome.UNREGISTERED, "rdap_404_empty", "the registry has no such object (404, empty body)")
        error = self._parse_body()
        if error is None:
            return self._not_rdap()
        code = _parse_error_code(error.get("errorCode"))
        if not (code == 404 or (code is None and "rdapConformance" in error)) or "objectClassName" in error:
            return self._no_proof(error, "rdap_404_odd", "404 without an RDAP error")
        if self.type and self.type not in _JSON_TYPES and not (self.type == "text/plain" and "rdapConformance" in error):
            return unknown_reading("rdap_content_type", f"the 404 came as {self.type[:80]}")
        return self._read_rdap_error(error)

    def read_failure(self) -> Reading:
        """Read any other status: it proves nothing about the name, but may say why the query failed and when to retry."""
        error = self._parse_body()
        throttled = self._is_throttle_error(error) if error else _find_phrase(phrases.THROTTLED, self._lower_body_start())
        if throttled and 400 <= self.status < 500:
            return self._throttled_reading()
        if self.status in {400, 422}:
            code = _parse_error_code((error or {}).get("errorCode"))
            if code in {400, 422} and self.domain:
                return Reading(Outcome.INVALID, "rdap_400", f"the registry refuses the name itself (HTTP {self.status})")
            return unknown_reading("rdap_400_odd", f"HTTP {self.status} without an RDAP error")
        if self.status in {401, 403}:
            finding, reason = "rdap_403", "the server refuses us"
        elif 300 <= self.status < 400:
            finding, reason = "rdap_redirect", "a redirect that was not followed"
        elif self.status >= 500:
            finding, reason = "rdap_5xx", "the server is broken"
        else:
            finding, reason = "rdap_status", "an unexpected status"
        return unknown_reading(finding, f"{reason} (HTTP {self.status})", retry_after=self.retry_after)

    def _read_record(self, record: dict[str, Any]) -> Reading:
        kept = rdap_record.read_fields(record)
        fresh = rdap_record.fresh_at(record, self.now)
        phase = phase_of(kept.statuses)
        bare = not (kept.created_at or kept.registrar or kept.nameservers)
        statements = _collect_statements(record, self.domain)
        if bare and phase not in _LEAVING and (word := _find_procedure(kept.statuses, statements)):
            reason = f"an object without a holder, in the registry's own release procedure: {word}"
            return Reading(Outcome.DROPPING, "rdap_200_dropping", reason, fields=kept, fresh_at=fresh)
        said = " ".join(" ".join([title, *texts]) for title, texts in rdap_record.read_notices(record))
        if bare and phase is None and (doubt := self._read_placeholder(kept.statuses, said)):
            return doubt
        announced, word = _find_announcement(kept.statuses, statements)
        if phase in {None, Phase.ACTIVE}:
            phase = announced or Phase.ACTIVE
        paid = rdap_record.read_events(record).get("registrar expiration")
        reason = f"the registry has the object, phase {phase.value.replace('_', ' ')}"
        if word and phase is announced:
            reason += f": {word}"
        if paid:
            reason += f"; the registrar's own expiration is {paid[:40]}"
        return Reading(Outcome.REGISTERED, "rdap_200_match", reason, phase=phase, fields=kept, fresh_at=fresh)

    @staticmethod
    def _read_placeholder(statuses: tuple[str, ...], said: str) -> Reading | None:
        """An object without a registrant: some registries answer 200 for names that they reserve or sell as premium names."""
        text = _drop_harmless_phrases(said)
        free = _find_phrase(phrases.NOT_REGISTERED, said)
        if _find_phrase(phrases.PREMIUM, text):
            return Reading(Outcome.PREMIUM, "rdap_200_premium", "not registered, offered as a premium name")
        if "reserved" in statuses or _find_phrase(phrases.RESERVED, text):
            return Reading(Outcome.RESERVED, "rdap_200_reserved", "an object without a holder: reserved by the registry")
        if free or _FREE_STATUSES & set(statuses):
            return unknown_reading("rdap_200_unheld", "an object without a holder that calls itself not registered")
        return None

    def _read_rdap_error(self, error: dict[str, Any]) -> Reading:
        said = " ".join([*rdap_record.read_texts(error.get("title")), *rdap_record.read_texts(error.get("description"))])
        # The name itself may contain any of the phrases ("reserved-names.com not found").
        main = _drop_harmless_phrases(said).replace(self.domain, " ")
        notes = (" ".join([title, *texts]) for title, texts in rdap_record.read_notices(error) if not _is_terms_of_use(title))
        beside = _drop_harmless_phrases(" ".join(notes)).replace(self.domain, " ")
        statements = _collect_statements(error, self.domain)
        everything = f"{main} {beside}"
        if _find_phrase(phrases.THROTTLED, main) or _report_rate_limit(statements):
            return self._throttled_reading()
        if _find_phrase(phrases.WRONG_SERVER, main):
            return unknown_reading("rdap_404_zone", "the server does not serve this suffix")
        if kept := _kept_back(everything, statements):
            return kept
        _, announced = _find_announcement((), statements)
        if announced:
            return unknown_reading("rdap_404_doubtful", f"404 with the announcement of a deletion ({announced!r})")
        if words := _find_phrase(phrases.DOUBTFUL, main) or self._find_doubt(main, error):
            return unknown_reading("rdap_404_doubtful", f"404 with a text that may mean something else ({words!r})")
        fresh = rdap_record.fresh_at(error, self.now)
        return Reading(Outcome.UNREGISTERED, "rdap_404_json", "the registry has no such object", fresh_at=fresh)

    def _parse_body(self) -> dict[str, Any] | None:
        try:
            value = bounded_json.parse_bounded_json(self.body, BODY_LIMIT, _ONCE)
        except ValueError as error:
            self.problem = str(error)
            return None
        if not isinstance(value, dict):
            self.problem = "not an object"
            return None
        return value

    def _not_rdap(self) -> Reading:
        if len(self.body) > BODY_LIMIT:
            return unknown_reading("rdap_too_large", f"a body of {len(self.body)} bytes, at most {BODY_LIMIT}")
        if self.type in _HTML_TYPES or self.body.lstrip()[:1] == b"<":
            if self.status != 200 and _find_phrase(phrases.THROTTLED, self._lower_body_start()):
                return self._throttled_reading()
            return unknown_reading("rdap_html", f"HTTP {self.status} with an HTML page: not the registry's RDAP server")
        return unknown_reading("rdap_bad_json", f"HTTP {self.status} with a body that is no JSON object: {self.problem}")

    def _lower_body_start(self) -> str:
        return self.body[:_GLANCE].decode("utf-8", "replace").lower()

    def _no_proof(self, answer: dict[str, Any], finding: str, reason: str) -> Reading:
        return self._throttled_reading() if self._is_throttle_error(answer) else unknown_reading(finding, reason)

    def _throttled_reading(self) -> Reading:
        reason = f"the server says that we ask too much (HTTP {self.status})"
        return Reading(Outcome.THROTTLED, "rdap_throttled", reason, retry_after=self.retry_after)

    @staticmethod
    def _is_throttle_error(error: dict[str, Any]) -> bool:
        said = " ".join([*rdap_record.read_texts(error.get("title")), *rdap_record.read_texts(error.get("description"))])
        coded = _parse_error_code(error.get("errorCode")) in {429, 503}
        return (
            coded or bool(_find_phrase(phrases.THROTTLED, said.lower())) or _report_rate_limit(_collect_statements(error, ""))
        )

    def _find_doubt(self, main: str, error: dict[str, Any]) -> str:
        """A word of the error, or of a notice that is no disclaimer, that may mean anything but "no such object"; else ""."""
        notices = (
            fold_text(" ".join([title, *texts]))
            for title, texts in rdap_record.read_notices(error)
            if not _is_terms_of_use(title)
        )
        remarks = (
            _drop_harmless_phrases(text).replace(self.domain, " ")
            for text in notices
            if len(text) <= _REMARK and not is_disclaimer(text)
        )
        return find_first_word(DOUBTFUL + RELEASING, fold_text(main)) or find_first_word(DOUBTFUL, " ".join(remarks))


def _kept_back(text: str, statements: list[str]) -> Reading | None:
    """The Reading of a 404 whose text says why the name cannot simply be registered; None where it gives no such reason."""
    if words := _find_procedure((), statements) or _find_phrase(phrases.DROPPING, text):
        return Reading(Outcome.DROPPING, "rdap_404_dropping", f"purged, in the registry's own release procedure: {words}")
    if _find_phrase(phrases.PREMIUM, text):
        return Reading(Outcome.PREMIUM, "rdap_404_premium", "no object; the registry calls it a premium name")
    if words := _find_phrase(phrases.RESERVED, text):
        return Reading(Outcome.RESERVED, "rdap_404_blocked", f"no object, and not to be registered ({words!r})")
    return None


def _report_rate_limit(statements: list[str]) -> bool:
    """Whether one of the statements, of the error or of a notice, reports a rate limit."""
    return any(limiting.reports_rate_limit(text) or limiting.asks_to_retry_later(text) for text in statements)


def _collect_statements(answer: dict[str, Any], domain: str) -> list[str]:
    """The first sentences of an answer outside its terms of use, in the form that `parsers.release` reads."""
    return list(islice((text for text in _split_sentences(answer, domain) if 0 < len(text) <= release.LONGEST), _STATEMENTS))


def _split_sentences(answer: dict[str, Any], domain: str) -> Iterator[str]:
    said = [*rdap_record.read_texts(answer.get("title")), *rdap_record.read_texts(answer.get("description"))]
    for title, texts in rdap_record.read_notices(answer):
        if not _is_terms_of_use(title):
            said += [title, *texts]
    for text in said:
        for sentence in _END.split(text):
            low = " ".join(sentence.lower().split()).strip(" .!\"'")
            yield low.replace(domain, "{}") if domain else low


def _find_procedure(statuses: tuple[str, ...], statements: list[str]) -> str:
    """The first status or statement that says that the name is in the registry's release procedure; "" where none does."""
    said = (word for word in statuses if release.in_procedure(word, labelled=True))
    return next(said, "") or next((text for text in statements if release.in_procedure(text)), "")


def _find_announcement(statuses: tuple[str, ...], statements: list[str]) -> tuple[Phase | None, str]:
    """The phase that an announced deletion means, with the status or statement that announces it."""
    for labelled, texts in ((True, statuses), (False, statements)):
        for text in texts:
            if phase := release.announced_phase(text, labelled=labelled):
                return phase, text
    return None, ""


def _parse_error_code(value: Any) -> int | None:
    """An errorCode (RFC 9083 section 6), which some servers send as text; None for what is no number."""
    text = str(value)[:8] if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _drop_harmless_phrases(text: str) -> str:
    """The text in lower case with single blanks, without the phrases that only look like those searched for."""
    found = " ".join(text.lower().split())
    for phrase in phrases.HARMLESS:
        found = found.replace(phrase, " ")
    return found


def _find_phrase(words: tuple[str, ...], text: str) -> str:
    """The first of the phrases that the text contains; "" for none."""
    low = text.lower()
    return next((word for word in words if word in low), "")


def _is_terms_of_use(title: str) -> bool:
    """Whether the title of a notice is that of terms of use, which contain phrases such as "prohibited" or "reserved"."""
    low = title.lower()
    return any(word in low for word in ("terms", "conditions", "copyright", "disclaimer", "legal", "privacy", "status codes"))
