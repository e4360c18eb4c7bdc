"""Read the labelled lines of a WHOIS answer into a record. What labels mean is data in `labels`; contacts are not kept."""

from __future__ import annotations

import re
from collections.abc import Mapping

from common.core.model.evidence import LIST_LIMIT, Fields, Outcome, Phase
from common.core.parsers.dates import parse_date
from common.core.parsers.whois import words
from common.core.parsers.whois.labels import OBJECTS, SENTENCES, SHARED, Kind, block_of, kind_of, normalise_label
from common.core.parsers.whois.lines import Subject

#: Longest label, in characters.
LABEL_LIMIT = 60
_VALUE_LIMIT = 300
#: Status lines read of one answer: no record has more, and each costs several look-ups.
_STATUS_LINES = 64

_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,20}[a-z][a-z0-9-]{0,61}[a-z0-9]\.?")
_BRACKETED = re.compile(r"\s*(?:[a-z]\.?\s+)?\[([^\[\]]{2,40})\]\s*(.*)")
_HASHED = re.compile(r"([^#:]{2,50})#[. ]{3,}(.*)")
_NESTED = re.compile(r"([A-Za-z-]{2,30})(?:;I)?:(.*)")
_NAME_SENTENCE = re.compile(r"domain ([\w.-]{3,253})(?: \([\w ]{2,30}\))?", re.IGNORECASE)
_EMPTY_VALUES = frozenset(
    (
        "",
        "-",
        "--",
        "---",
        "n/a",
        "null",
        "none",
        "not defined",
        "not defined.",
        "no nameserver",
        "not available from registry",
        "redacted",
        "not assigned",
    )
)
_ANY_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_DATES = {Kind.CREATED: "created_at", Kind.UPDATED: "updated_at", Kind.EXPIRES: "expires_at", Kind.RENEWAL: "renewal"}
#: Kinds whose value may stand on the lines below the label.
_BELOW = frozenset(
    {Kind.NAME, Kind.CREATED, Kind.UPDATED, Kind.EXPIRES, Kind.RENEWAL, Kind.REGISTRAR, Kind.STATUS, Kind.SERVER}
)
_FACTS = frozenset({Kind.CREATED, Kind.EXPIRES, Kind.SERVER})
_MANY = frozenset({Kind.STATUS, Kind.SERVER})
_HARD_FACTS = frozenset({Kind.CREATED, Kind.EXPIRES, Kind.REGISTRAR, Kind.SERVER})
_SENTENCE_STARTS = tuple(start for start, _ in SENTENCES)


def host_of(text: str) -> str | None:
    """The host name at the start of a text, in lower case without its final dot; None where there is none."""
    word = text.split(None, 1)[0].strip("\"'()[],;").lower() if text.strip() else ""
    if len(word) > 253 or "." not in word or not _HOST.fullmatch(word):
        return None
    return word.rstrip(".")


class Record:
    """The record in the lines of one answer. `ours` counts printed names that are the one asked for, `others` all others."""

    def __init__(self, subject: Subject, *, day_first: bool | None, own: Mapping[str, Phase]) -> None:
        self.subject = subject
        self.day_first = day_first
        self.own = own  # status words of registered names that mean something else elsewhere
        self.ours = 0
        self.others = 0
        self.fields: dict[str, str] = {}
        self.servers: list[str] = []
        self.statuses: list[str] = []
        self.said: dict[Outcome, str] = {}  # the outcomes of the status words, each with the first word that means it
        self.strong: set[Kind] = set()  # kinds of evidence for a record
        self._status_lines = 0
        self._block: Kind | None = None
        self._pending: Kind | None = None
        self._foreign = False  # inside the record of another name

    @property
    def is_held(self) -> bool:
        """Whether it has a fact that only the record of a registered name has: a date, a registrar, a name server."""
        return not self.strong.isdisjoint(_HARD_FACTS)

    @property
    def is_record(self) -> bool:
        """Whether this is a record of the name: its name line and one more fact, or two facts where no name is printed."""
        if self.ours:
            return bool(self.strong)
        return not self.others and len(self.strong) >= 2 and bool(self.strong & _FACTS)

    def to_fields(self) -> Fields:
        """Dates (ISO 8601), registrar, statuses, name servers and handle of the record."""
        return Fields(
            created_at=self.fields.get("created_at"),
            expires_at=self.fields.get("expires_at") or self.fields.get("renewal"),
            updated_at=self.fields.get("updated_at"),
            registrar=self.fields.get("registrar"),
            statuses=tuple(self.statuses[:LIST_LIMIT]),
            nameservers=tuple(self.servers[:LIST_LIMIT]),
            handle=self.fields.get("handle"),
        )

    def read_line(self, line: str) -> None:
        """Add the next line of the answer."""
        text = line.strip()
        if not text:
            self._end_block()
            return
        if text[0] in "%>;#":
            return
        if text[0] in "rRcCeE" and text.lower().startswith(_SENTENCE_STARTS) and self._read_sentence(text):
            return
        label, value = split_label(text)
        if label is None:
            self._read_unlabelled(text)
            return
        if text.find("[", 0, 5) >= 0 and value:
            self._block = Kind.DOMAIN_BLOCK  # servers that bracket their labels print no contact objects among them
        kind = kind_of(label)
        if label == "server name" and not self.ours:
            self._foreign = True  # the registry lists a name server whose name begins like the name asked for
        if self._pending is Kind.SERVER and kind is not Kind.SERVER and (host := host_of(text.replace(":", " "))):
            self._store_server(host)
        elif kind is None and self._pending in {Kind.REGISTRAR, Kind.STATUS} and "http" in label:
            self._read_value_below(self._pending, text)
        elif not value:
            self._read_heading(label, kind, text)
        else:
            self._read_labelled(label, kind, value)

    def _end_block(self) -> None:
        """End the block, and a list of values, at a blank line; a label that has no value yet keeps waiting for one."""
        self._block = None
        if self._pending in _MANY and (self._pending is not Kind.SERVER or self.servers):
            self._pending = None

    def _read_unlabelled(self, text: str) -> None:
        """Read a line without a label: a sentence that names the domain, a heading, or the value of the label above."""
        label = normalise_label(text) if len(text) <= LABEL_LIMIT else ""
        if block_of(label) is not None or kind_of(label) is Kind.SERVER:
            self._read_heading(label, kind_of(label), text)
            return
        if self._pending is not None:
            self._read_value_below(self._pending, text)
            return
        if (match := _NAME_SENTENCE.fullmatch(text)) and "." in match[1].rstrip("."):
            self._compare_name(match[1])
            return
        pair = text.split()
        if len(pair) == 2 and self.subject.is_label(pair[0]) and (host := host_of(pair[1])):
            self.ours += 1
            self._store_server(host)

    def _read_sentence(self, text: str) -> bool:
        """Read a line like "Record created on 2000-08-29"; False where no date follows."""
        low = text.lower()
        start, kind = next(pair for pair in SENTENCES if low.startswith(pair[0]))
        value = text[len(start) :].lstrip(": ")
        if parse_date(value, day_first=self.day_first) is None:
            return False
        self._store_value(start, kind, value)
        return True

    def _read_value_below(self, kind: Kind, text: str) -> None:
        if kind is Kind.SERVER:
            host = host_of(text.lstrip("-* "))
            if host is None:
                self._pending = None
            else:
                self._store_server(host)
            return
        if kind not in _MANY:
            self._pending = None
        self._store_value("", kind, text)

    def _read_heading(self, label: str, kind: Kind | None, text: str) -> None:
        """Read a label without value: a heading, `<name>:` at the head of a record, or a label whose value follows below."""
        name = host_of(text.rstrip(":"))
        if kind is None and name is not None and text.endswith(":"):
            self._compare_name(name)
            return
        block = block_of(label)
        if block is not None:
            self._block = block
        elif kind is Kind.NAME:
            self._block = Kind.DOMAIN_BLOCK
        self._pending = kind if kind in _BELOW else None

    def _read_labelled(self, label: str, kind: Kind | None, value: str) -> None:
        if label in {"name", "organization", "organisation"}:
            self._read_name_in_block(label, value)
            return
        if self._block is None and label in OBJECTS:
            self._block = Kind.CONTACT_BLOCK
        if kind is None:
            if self._pending not in _MANY or ":" in value or label != "dns":
                self._pending = None
            return
        self._pending = None
        if label in SHARED and self._block in {Kind.CONTACT_BLOCK, Kind.NOISE_BLOCK}:
            return
        if kind is Kind.STATUS:
            self._pending = Kind.STATUS if value.endswith((" -", ",")) else None
        self._store_value(label, kind, value)

    def _read_name_in_block(self, label: str, value: str) -> None:
        """Read `name: x`: the domain in a domain block, the registrar in a registrar block, and a contact elsewhere."""
        if self._pending is Kind.SERVER and (host := host_of(value)):
            self._store_server(host)
            return
        if self._block is Kind.DOMAIN_BLOCK or (self._block is None and label == "name" and self.subject.is_named(value)):
            if host_of(value):
                self._compare_name(value.split(maxsplit=1)[0])
        elif self._block is Kind.REGISTRAR_BLOCK:
            self._store_value(label, Kind.REGISTRAR, value)
        self._pending = None

    def _store_value(self, label: str, kind: Kind, value: str) -> None:
        value = value.strip(" \t.,").strip()[:_VALUE_LIMIT]
        if value.lower() in _EMPTY_VALUES:
            return
        if kind is Kind.NAME:
            self._read_name(label, value)
        elif self._foreign:
            self.strong.add(Kind.EXPIRES if kind is Kind.RENEWAL else kind) if kind in _DATES else None
        elif kind in _DATES:
            self._store_date(kind, value)
        elif kind is Kind.STATUS:
            self._store_statuses(label, value)
        elif kind is Kind.SERVER:
            self._store_listed_server(label, value)
        elif kind is Kind.REGISTRAR:
            self._store_registrar(value)
        elif kind is Kind.HANDLE:
            self._store_field("handle", value if " " not in value else "")
        elif kind is Kind.HOLDER:
            self.strong.add(Kind.HOLDER)

    def _read_name(self, label: str, value: str) -> None:
        nested = _NESTED.fullmatch(value)
        if nested is not None:
            inner = normalise_label(nested[1])
            self._read_labelled(inner, kind_of(inner), nested[2].strip())
            return
        word = value.split(maxsplit=1)[0]
        if "." in word or label != "query":
            self._compare_name(word)

    def _compare_name(self, word: str) -> None:
        bare = word.strip("\"'").rstrip(".")
        if self.subject.is_named(bare) or self.subject.is_covered_by(bare) or ("." not in bare and self.subject.is_label(bare)):
            self.ours += 1
            self._foreign = False
        elif self.ours and not self.strong:
            return  # a variant of the name asked for, listed with it
        elif "." in bare or not self.ours:
            self.others += 1
            self._foreign = True
        self._block = Kind.DOMAIN_BLOCK

    def _store_date(self, kind: Kind, value: str) -> None:
        iso = parse_date(value, day_first=self.day_first)
        if iso is None:
            if kind is not Kind.UPDATED and _ANY_YEAR.search(value):
                self.strong.add(Kind.EXPIRES if kind is Kind.RENEWAL else kind)  # a date all the same
            return
        self._store_field(_DATES[kind], iso)
        if kind is not Kind.UPDATED:
            self.strong.add(Kind.EXPIRES if kind is Kind.RENEWAL else kind)

    def _store_field(self, field: str, value: str) -> None:
        if value and field not in self.fields:
            self.fields[field] = value

    def _store_registrar(self, value: str) -> None:
        if value.lower().startswith(("http://", "https://", "whois.")) or value.startswith("!"):
            return
        self._store_field("registrar", value)
        self.strong.add(Kind.REGISTRAR)

    def _store_server(self, host: str) -> None:
        if self._foreign:
            return
        if host not in self.servers and len(self.servers) < LIST_LIMIT:
            self.servers.append(host)
        self.strong.add(Kind.SERVER)

    def _store_listed_server(self, label: str, value: str) -> None:
        """Store a labelled name server; more may follow below. One registry prints the IDN form as `DNS: <the name itself>`."""
        host = host_of(value.replace(" : ", " "))
        if host is not None and not (label == "dns" and self.subject.is_named(host) and not self.subject.anything):
            self._store_server(host)
            self._pending = Kind.SERVER

    def _store_statuses(self, label: str, value: str) -> None:
        self._status_lines += 1
        if self._status_lines > _STATUS_LINES:
            return
        for part in words.split_statuses(value):
            word = words.normalise_word(part)
            says = Outcome.REGISTERED if word in self.own else words.outcome_of(word)
            if says is None and label == "state":
                continue  # a postal state
            if says is not None:
                self.said.setdefault(says, part.strip()[:100])
            if says is Outcome.REGISTERED:
                self.strong.add(Kind.STATUS)
                self._store_status_date(part, word)
            if word and word not in self.statuses and len(self.statuses) < LIST_LIMIT:
                self.statuses.append(word[:100])

    def _store_status_date(self, part: str, word: str) -> None:
        """Store the expiry that some servers print in the status: "OK-UNTIL 20131218000000", "Connected (2010/09/30)"."""
        if word.startswith(("ok until", "connected", "registered")) and (iso := parse_date(part, day_first=None)):
            self._store_field("expires_at", iso)
            self.strong.add(Kind.EXPIRES)


def split_label(text: str) -> tuple[str | None, str]:
    """(normalised label, value) of a non-empty line; the label is None where it has none."""
    if text[0] == "[" or "[" in text[2:5]:
        match = _BRACKETED.match(text)
        if match is not None:
            return normalise_label(match[1]), match[2]
    at = text.find(":")
    if 0 < at <= LABEL_LIMIT:
        return normalise_label(text[:at]), text[at + 1 :].strip(" \t.")
    if "#. " in text and (match := _HASHED.match(text)):
        return normalise_label(match[1]), match[2]
    gap = "\t" if "\t" in text else "   "
    if gap in text:  # columns instead of colons
        head, _, tail = text.partition(gap)
        if head[-1].isalnum() and len(head) <= LABEL_LIMIT and kind_of(normalise_label(head)) is not None:
            return normalise_label(head), tail.strip()
    return None, ""
