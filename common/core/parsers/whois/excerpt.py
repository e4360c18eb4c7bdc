"""Make a bounded copy of a WHOIS answer as evidence: enough to parse it again, without personal data."""

from __future__ import annotations

import re

from common.core.builtin.doubt_words import DOUBTFUL, find_first_word, fold_text
from common.core.model.evidence import EXCERPT_LIMIT
from common.core.parsers.disclaimers import is_disclaimer
from common.core.parsers.whois.doubts import remark_of
from common.core.parsers.whois.labels import SENTENCES, Kind, block_of, kind_of, normalise_label
from common.core.parsers.whois.lines import runs_on, split_lines
from common.core.parsers.whois.record import host_of, split_label
from common.core.parsers.whois.sentences import TRIGGERS

#: Longest line kept; only legal paragraphs are longer.
_LINE = 160
_KEPT = frozenset(
    {
        Kind.NAME,
        Kind.SUFFIX,
        Kind.CREATED,
        Kind.UPDATED,
        Kind.EXPIRES,
        Kind.RENEWAL,
        Kind.REGISTRAR,
        Kind.STATUS,
        Kind.SERVER,
        Kind.HANDLE,
    }
)
#: Labels that only occur in the record of the name, so that they end a contact block.
_ENDS = frozenset({Kind.NAME, Kind.SERVER, Kind.REGISTRAR, Kind.EXPIRES})
_SENTENCES = tuple(start for start, _ in SENTENCES)
_PERSONAL = re.compile(
    r"@|\[at\]|\be-?mail|\bphone|\btel\b|\btelephone|\bfax|\baddress|\bstreet|\bcity\b|\bpostal|\bzip"
    r"|\bregistrant|\badmin|\btech\b|\bbilling|\bowner|\bholder|\bperson\b|\bcontact|\bnic-hdl|\bcountry"
    r"|\bstate/|\bprovince|\borganis?z?ation|\+\d[\d .()-]{6,}"
)


def make_excerpt(text: str) -> str:
    """At most EXCERPT_LIMIT characters of the lines that hold no personal data."""
    kept: list[str] = []
    room = EXCERPT_LIMIT
    hiding = False
    before = ""
    for raw in split_lines(text):
        follows, before = runs_on(before, raw), raw
        line = "".join(mark if mark.isprintable() else " " for mark in raw).strip()
        hiding, wanted = _filter_line(line, hiding=hiding)
        if not wanted or follows:
            continue
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def _filter_line(line: str, *, hiding: bool) -> tuple[bool, bool]:
    """(whether a contact block goes on behind this line, whether the line is kept).

    A contact block ends with the first label that only occurs in the record of the name; a blank line does not end it, because
    postal addresses hold blank lines. A line without known label, host name or possible statement about the name is left out.
    """
    if not line or len(line) > _LINE:
        return hiding, False
    low = line.lower()
    known = split_label(line)[0] or normalise_label(line)
    kind = kind_of(known)
    if block_of(known) is Kind.CONTACT_BLOCK or kind is Kind.HOLDER:
        return True, False
    hiding = hiding and kind not in _ENDS
    if hiding or _PERSONAL.search(low):
        return hiding, False
    told = kind in _KEPT or low.startswith(_SENTENCES) or host_of(line) is not None
    return False, told or any(word in low for word in TRIGGERS) or _is_doubtful(line)


def _is_doubtful(line: str) -> bool:
    """Whether a line may make a free line doubtful (see `whois.doubts`)."""
    folded = fold_text(line)
    return remark_of(line) is not None or bool(find_first_word(DOUBTFUL, folded) and not is_disclaimer(folded))
