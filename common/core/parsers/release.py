"""Recognise statements that a name is in its registry's release procedure, or that its deletion is announced.

A statement is a status, the value of a labelled line or a sentence of its own, in WHOIS and in RDAP alike. It is matched as a
whole and has to be about this one name, because legal notices mention auctions and names that may be released, too. Sources:
internetee/whois and internetee/registry (AtAuction, PendingRegistration, deleteCandidate), FRED (To be deleted), dns.pl
("States of domain"), registro.br (release process), Identity Digital and PIR (Dropzone). How whois.nic.cz words its auctions
is not published, hence the broad form.

Statements are lower case with single blanks, without final stops, and hold `{}` in place of the name. No pattern has nested
quantifiers without a bound.
"""

from __future__ import annotations

import re
from functools import lru_cache

from common.core.model.evidence import Phase

#: Longest statement, in characters; legal paragraphs are longer.
LONGEST = 200
#: A line of an answer is only matched if it holds one of these.
TRIGGERS = (
    "auction", "aukc", "aukt", "oksjon", "releas", "libera", "allocation", "dropzone", "for application", "deleted", "deletion",
    "purge", "candidate", "remov", "dropped", "billing period", "waiting", "queue", "pending",
)  # fmt: skip

_LABEL = (
    r"(?:[a-z]{1,20}[ -]){0,2}(?:status|state|stage|reason|remarks?|notes?|notices?|comments?|info|information|message|error"
    r"|stav|poznámka)(?: ?\d{1,12})?:(?: ?\d{1,12}:)? ?"
)
_NOUN = r"(?:{}|domain(?: name)?|name|dom[eé]na|dom[eé]nov[eé] jm[eé]no|jm[eé]no dom[eé]ny|domeen|domeeninimi|domínio|dominio)"
_SUBJECT = rf"(?:(?:the|this|requested|queried) ){{0,2}}{_NOUN}(?: {{}})?"
_IS = r"(?: (?:is|was|has been|will be|je|byla|bylo|bude|on|está))?(?: (?:currently|now|being|already|aktuálně|momentálně))?"
#: The subject of a statement or the label in front of it; a bare value of a label or a status word has neither.
_ABOUT = rf"(?:{_LABEL}(?:{_SUBJECT}{_IS} )?|{_SUBJECT}{_IS} )"

_AUCTION = r"(?:auction|aukce|aukci|auktion|oksjon|oksjonil)"
_TOWARDS = r"(?:at|in|on|under|for|into|to|via|of|after|until|before|pending|awaiting|future|v|do|na|budoucí|probíhá)"
_TAIL = (
    r"(?:[.,;:(] ?.{0,100}| [(-] ?.{0,100}"
    r"| (?:from|until|till|since|on|at|by|with|of|starting|ending|ends|list|phase|process|and|see|od|do|dne)\b.{0,80})?"
)
_REGISTRATION = r"(?:pending ?|awaiting ?|waiting for |queued (?:up )?for |in (?:the |a )?queue for )registration"
_PROCESS = (
    r"(?:release|liberation|re-?allocation)[ -](?:process|procedure|round)|processo de libera[cç][aã]o"
    r"|liberation|re-?allocation"
)
_GOING = (
    r"(?:waiting|awaiting|pending|queued|open|running|active|started|scheduled|yes|true|in progress|competitive|eligible"
    r"|aguardando)"
)

_IN_PROCEDURE = "|".join(
    (
        rf"(?:(?:\w{{1,20}} ){{0,3}}{_TOWARDS} (?:[^\s,;:]{{1,20}} ){{0,3}})?(?:at|in)?{_AUCTION}{_TAIL}",
        rf"(?:(?:at|in) )?{_AUCTION} (?:pending|scheduled|planned|open|running|started|active|ongoing|in progress)",
        rf"(?:to be |being )?auctioned{_TAIL}",
        rf"{_REGISTRATION}{_TAIL}",
        r"available for application\b.{0,120}",
        r"(?:in |in the |available (?:in|via|through) the )?(?:[^\s,;:]{1,20} ){0,3}dropzone(?: .{0,60})?",
        (
            r"(?:(?:\w{1,20} )?(?:in|for|of|under|awaiting|pending|waiting) )?(?:(?:the|its|a|next|registry|competitive) ){0,3}"
            rf"(?:{_PROCESS})(?: ?[:-]? ?{_GOING})?"
        ),
        r"(?:being )?offered to (?:\w{1,20} ){0,4}waiting ?list\b.{0,60}",
        r"(?:after (?:being )?)?released? from the (?:registration )?queue\b.{0,60}",
        r"book blocked",
    )
)
#: Statements without subject or label, so only in words that mean nothing else.
_BARE = "|".join(
    (
        rf"(?:currently |now )?(?:at|in|on|under|pending|awaiting|v|do) ?(?:an |the )?{_AUCTION}",
        rf"(?:currently |now )?{_REGISTRATION}",
        rf"(?:waiting for|awaiting|in) (?:the )?(?:{_PROCESS})",
        rf"(?:{{}}:? )?(?:{_PROCESS}|release)(?: (?:status|state))?: ?(?:{_GOING}\b|\d).{{0,60}}",
        rf"{_AUCTION}(?: (?:start|begin|end|date|time|status|state|from|until)){{0,2}}: ?(?:{_GOING}\b|\d).{{0,60}}",
    )
)
_PROCEDURE = re.compile(rf"{_ABOUT}(?:{_IN_PROCEDURE})|{_BARE}")
_PROCEDURE_VALUE = re.compile(rf"(?:{_ABOUT})?(?:{_IN_PROCEDURE})|{_BARE}")
_DROPZONE = re.compile(r".{0,120}\bavailable for application via the .{0,60}\bdropzone\b.*|.{0,80}\bdropzone service\b.*")
#: Words that turn a statement into its contrary, or into a rule for all names.
_DENIED = re.compile(
    r"\b(?:not|no|none|never|without|ended|finished|closed|completed|over|unsold|cancell?ed|may|might|could|if|unless|whether|není"
    r"|nebyla|nebylo|skončila)\b"
)

_WHEN = r"(?: (?:on|at|after|from|in|by|within|soon|shortly|today|tomorrow)(?: .{0,80})?|,? ?\(?\d{4}.{0,40}|: ?.{0,60})?"
_GONE = r"(?:deleted|released|purged|removed|dropped)"
_ANNOUNCED = "|".join(
    (
        rf"(?:(?:is|scheduled|marked|due|queued|planned|set|about|going|waiting|awaiting) ){{0,2}}to ?be ?{_GONE}{_WHEN}",
        (
            r"(?:scheduled|marked|queued|planned|due|pending|awaiting|waiting|selected) (?:for )?"
            rf"(?:deletion|release|removal|purging){_WHEN}"
        ),
        r"(?:delete|deletion) ?candidate|candidate for deletion",
        r"(?:delete|tasted) blocked",
    )
)
_DATED = rf"(?:(?:will be )?released? (?:on|at|from) .{{0,40}}\d.{{0,40}}|will be {_GONE}{_WHEN})"
_DELETION = re.compile(rf"(?:{_ABOUT})?(?:{_ANNOUNCED})|{_SUBJECT} will be (?:automatically )?{_GONE}{_WHEN}|{_LABEL}{_DATED}")
_DELETION_VALUE = re.compile(_DATED)
#: NASK (.pl): in this state for 30 days, during which the registrant may still renew the name.
_RESTORABLE = re.compile(rf"(?:{_LABEL})?(?:the )?{_NOUN}(?: ?'?s)? (?:paid )?billing period (?:had|has|is) (?:finished|ended)")
_CONDITION = re.compile(r"\b(?:not|no|never|may|might|could|if|unless|whether)\b")


@lru_cache(maxsize=4096)
def in_procedure(statement: str, *, labelled: bool = False) -> bool:
    """Whether a statement says that the name is in its registry's release procedure, so that no registrar can simply create it.

    `labelled`: the statement is a status word or the value of a status line, so it needs no subject.
    """
    if _DROPZONE.fullmatch(statement):
        return True
    if len(statement) > LONGEST:
        return False
    pattern = _PROCEDURE_VALUE if labelled else _PROCEDURE
    return pattern.fullmatch(statement) is not None and _DENIED.search(statement) is None


@lru_cache(maxsize=4096)
def announced_phase(statement: str, *, labelled: bool = False) -> Phase | None:
    """The phase of a registered name whose deletion a statement announces; None where it announces none.

    `labelled` as for `in_procedure`. REDEMPTION where the registry says that the registrant may still keep the name, otherwise
    PENDING_DELETE.
    """
    if len(statement) > LONGEST:
        return None
    if _RESTORABLE.fullmatch(statement):
        return Phase.REDEMPTION
    if not (_DELETION.fullmatch(statement) or (labelled and _DELETION_VALUE.fullmatch(statement))):
        return None
    return None if _CONDITION.search(statement) else Phase.PENDING_DELETE
