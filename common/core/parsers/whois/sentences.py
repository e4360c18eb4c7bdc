"""Sentences outside of a record: rate limits, failures, names that cannot be registered, and "there is no such name".

A pattern is matched against the whole shape of one line (`lines.SentenceShape`), never searched in the text: legal preambles
hold every one of these words. No pattern has nested quantifiers or two neighbours that can take the same characters.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from common.core.model.evidence import Outcome
from common.core.parsers import limiting, release


class Rule(IntEnum):
    """What a sentence says, in order of precedence: the lowest rule that a line of an answer matches decides."""

    THROTTLED = 0
    TROUBLE = 1  # the server cannot answer, or is not the server of this suffix
    DROPZONE = 2
    PREMIUM = 3
    RESERVED = 4
    INVALID = 5
    FREE = 6


#: Outcome, finding and reason of each rule but FREE.
VERDICTS: dict[Rule, tuple[Outcome, str, str]] = {
    Rule.THROTTLED: (Outcome.THROTTLED, "whois_throttled", "the server limits our queries"),
    Rule.TROUBLE: (Outcome.UNKNOWN, "whois_trouble", "the server could not answer"),
    Rule.DROPZONE: (Outcome.DROPPING, "whois_dropzone", "the name is in the registry's own release procedure"),
    Rule.PREMIUM: (Outcome.PREMIUM, "whois_premium", "the registry sells the name as a premium name"),
    Rule.RESERVED: (Outcome.RESERVED, "whois_reserved", "the registry does not let the name be registered"),
    Rule.INVALID: (Outcome.INVALID, "whois_invalid", "the registry refuses the name itself"),
}

#: A line is only matched if it holds one of these words: the search is cheap, and most lines hold none.
TRIGGERS = (
    "found", "no match", "not match", "no entr", "no data", "any data", "no object", "no such", "no record", "no domain",
    "no result", "no information", "not regist", "unregistered", "been reg", "not exist", "not have", "existe", "not known",
    "available", "free", "no se", "no_se", "exceed", "limit", "quota", "denied", "refused", "blacklist",
    "permitted", "authori", "restricted", "reserved", "blocked", "dpml", "prohibited", "premium", "platinum",
    "invalid", "not allowed", "per second", "busy", "temporar", "your request", "not supported", "is down", "currently down",
    "go away", "try again", "unable to", "attempt failed", "timeout", "timed out", "grace period", "contravenes", "bijective",
    "subscribes", "not valid", "be registered", "no encontr", "introuvable", "gefunden", "encontrado", "trovato", "error",
    "solo acepta", "excessive", "not a regist", "in use", "nonexist", "reached", "slow down", "allocated", "not taken", "trouv",
    "gevonden", "fundet", "hittad", "talalat", "banned", "kept aside", "server failed", "not be", "too ", "frequency", "later",
    "throttl", "rl net", "unknown", "429", "wait ", "trop de", "te veel", "for mange", "zbyt wiele", "prea multe", "unassigned",
    "vacant", "unused", "non-exist", "whitelist", "allowlist", "illegal", "malformed", "n't ", "demandes", "consultas",
    "anfragen", "requires ", *release.TRIGGERS,
)  # fmt: skip

#: The same in other scripts and with accents: only looked for in an answer that is not plain ASCII.
SCRIPT_TRIGGERS = (
    "등록", "조회", "查询", "查詢", "频", "頻", "アクセス", "requêtes", "consultação", "слишком", "превышен", "исчерпан",
    "перевищен", "zapytań", "dotazů",
)  # fmt: skip

#: The triggers of the sentences that count even beside a record.
BESIDE_TRIGGERS = (
    "exceed", "limit", "too many", "too much", "quota", "denied", "refused", "blacklist", "permitted", "authori",
    "per second", "excessive", "go away", "slow down", "please wait", "grace period", "request", "reached", "banned",
    "blocked", "try again", "rejected", *release.TRIGGERS,
)  # fmt: skip

_NOUN = (
    r"(?:(?:the|this|that|requested|queried|specified|your|above|such|given) ){0,3}(?:domains?(?: names?)?|objects?|"
    r"names?|records?|entry|query|key|data)"
    r"(?: (?:that |which )?you(?:'ve| have)? (?:requested|queried|entered|searched for|asked for|specified)"
    r"| requested| queried)?"
)
#: What can be had and cannot, said of one name.
_NAME = (
    r"(?:(?:the|this|that|requested|request|queried|specified|your) ){0,3}(?:domain(?: name)?|name|string|label|object)"
    r"(?: (?:that |which )?you(?:'ve| have)? (?:requested|queried|entered|apply|applied for|want to register)"
    r"| requested)?"
)
_SORRY = r"(?:sorry,? |unfortunately,? )?"
_NEVER = r"(?:can ?not|may not|can't|could not|shall not|must not|is not to|not to)"
_REGISTRABLE = r"(?:registered|created|allocated|delegated|applied for|assigned|ordered|purchased)"
_NOT = (
    r"(?:(?:was |is |has |does |could |were |did |can |do )?(?:not|no longer)|cannot|(?:is|has|does|was|could|can|did)n't"
    r"|can't)"
)
_PLACE = (
    r"(?: (?:in|from|on|by|within|with) (?:the |our |this |its )?(?:[\w.()'-]{1,30} ){0,5}(?:database|registry|"
    r"registrar|records|whois|registro|db|data base|{}|krnic|argentina|servers?|system|register|zone))?"
)
_THING = (
    r"(?:match(?:es|ing)?|entr(?:y|ies)|objects?|records?|data|information|domains?(?: names?)?|results?|domain records?"
    r"|match(?:es|ing)? (?:records?|objects?|domains?(?: names?)?|entr(?:y|ies))|whois (?:data|information)|such domains?"
    r"|record information)"
)
_TARGET = (
    r"(?: (?:for|about|to match|matching|with|of|that match(?:es)?)(?: the| this| your)?"
    r"(?: selected source(?:s|\(s\))?| (?:query|domain(?: name)?|object|name|request|search)(?: criteria)?(?::? {})?|:? {}))"
)

_VERB = r"(?: (?:was |were |is |are |has been |have been )?(?:found|available|matched|exists?|registered|returned))"

_PATTERNS: dict[Rule, tuple[str, ...]] = {
    Rule.THROTTLED: (
        (
            r"(?:(?:{}:|error:?(?: \d{1,12}:?)?|sorry,?|your|the|daily|whois|domain) ){0,4}(?:{} )?(?:\w{1,30} ){0,3}"
            r"(?:query|queries|lookups?|requests?|connections?|rate|whois|looup|access)s?[ -]?(?:rate )?(?:limit|quota)\b"
            r".{0,60}\b(?:exceed|reach).*"
        ),
        (
            r"(?:error:? ?\d{0,12}:? ?)?(?:{}: )?too (?:many|much) (?:requests?|queries|connections?|lookups?|whois|"
            r"simultaneous)\b.*"
        ),
        (
            r"(?:{}: )?(?:error:? )?(?:rate|query|request|daily|quota|whois|connection)s? ?-?(?:limit|quota)? ?(?:has "
            r"been |is |was )?(?:exceeded|reached)\b.*"
        ),
        r"(?:{}: )?(?:error:? )?(?:limit|quota) (?:has been |is |was )?(?:exceeded|reached)\b.*",
        (
            r"(?:you have |you've |your ip (?:address )?has |this ip (?:address )?has )?(?:been )?exceeded (?:your|the|"
            r"this|allowed|allotted|maximum|permitted|{})\b.{0,80}"
        ),
        r"restricted\. you have exceeded this limit",
        r"(?:the )?whois query quota for .{1,80} has been exceeded",
        r"(?:error:? )?excessive querying\b.*",
        (
            r"(?:{}: |error: )?max(?:imum)? (?:number of )?(?:query rate|queries|requests|connections|query|rate)(?: per "
            r"\w+)? (?:reached|exceeded)\b.*"
        ),
        r"(?:{}: )?only \d+ (?:requests?|quer(?:y|ies)) per \w+ allowed\b.*",
        r"(?:{}: )?daily whois-limit exceeded\b.*",
        r"please (?:slow down|go away|wait \d).*",
        r"(?:error: ?\d{0,12} )?connection refused[;,] access control limit.*",
        r"blacklisted\b.*",
        r"-?\d{0,4}:? ?still in grace period\b.*",
        (
            r"(?:error:? )?(?:request|access|query|permission|connection) (?:is |has been |was )?(?:denied|refused|"
            r"blocked|rejected)\b.*"
        ),
        r"(?:the )?requests? (?:of|from) this (?:client|ip|address)\b.{0,60}(?:not permitted|blocked|denied).*",
        r"(?:the )?(?:maximum |allowed )?number of (?:allowed )?(?:queries|requests|connections|lookups)\b.{0,60}\bexceeded.*",
        r"your access is too fast.*",
        r"(?:the )?number of requests per client per time interval is.*",
        (
            r"(?:your|this|the) ip(?: address)?\b.{0,80}\b(?:blocked|blacklisted|not authori[sz]ed|banned|not allowed|"
            r"restricted|denied|exceeded)\b.*"
        ),
        r"(?:{}: )?.{0,30}whois limit exceeded\b.*",
        r"query_status: 440\b.*",
        r"(?:your )?quota (?:exceeded|limit reached).*",
        r"lookup (?:quota|limit) .{0,40}",
        r"you have been (?:temporarily )?(?:blocked|banned|blacklisted|throttled)\b.*",
        r"try again (?:later|after|in)\b.*",
    ),
    Rule.TROUBLE: (
        r"server can't process your request",
        (
            r"(?:the )?(?:whois )?(?:server|service|database|registry)(?: is)?(?: currently| temporarily)? (?:too busy|"
            r"busy|unavailable|down|blocked|offline)\b.*"
        ),
        r"(?:error: )?(?:service|server|whois service) (?:is )?(?:temporarily )?unavailable\b.*",
        r"{}: server too busy\b.*",
        r"sorry,? the whois database is currently down",
        r"whois lookup for .{1,260} can(?:not)? ?(?:temporarily|currently)? ?(?:not )?be answered\b.*",
        r"connection attempt failed.*",
        r"(?:\[)?unable to (?:connect|resolve|process|contact)\b.*",
        r"connect to whois server failed\b.*",
        r"(?:the )?(?:tld|suffix|zone|extension|domain extension)s?(?: {})? (?:is |are )?not supported\b.*",
        r"(?:domain |requested )?(?:zone|tld|suffix) not (?:supported|found|served)\b.*",
        r"{} solo acepta consultas con dominios\b.*",
        r"(?:internal|server|database|system|temporary) (?:server )?(?:error|failure)\b.*",
        r"timeout\b.*|(?:query |request |connection )timed? ?out\b.*",
        r"(?:the )?(?:information|data|database) is temporarily (?:unavailable|not available)\b.*",
    ),
    Rule.PREMIUM: (
        r"(?:status: )?(?:this )?premium name\b.*",
        (
            r"(?:the |this )?(?:premium|platinum) (?:domain|name|domain name)(?: {})? (?:is |may be )?(?:available|"
            r"reserved|for sale|on sale)\b.*"
        ),
        r"(?:domain )?{} is (?:a )?(?:premium|platinum)\b.*",
        r"(?:the |this )?(?:domain |domain name |name )?(?:is )?available as (?:a )?premium\b.*",
        r"(?:domain )?status: premium\b.*",
        r"domains in the list are kept aside due to potential value\b.*",
    ),
    Rule.RESERVED: (
        (
            r"(?:{}:? )?(?:the |this |that )?(?:requested )?(?:domain |domain name |name |string |object )?(?:{} )?(?:is|"
            r"has been|was|are) (?:a )?(?:(?:registry |currently |permanently )?(?:reserved|restricted|blocked|prohibited|"
            r"forbidden|banned|withheld|excluded|not allowed by)|kept aside)\b.*"
        ),
        r"(?:registry |domain |name |pre-?)?reserved (?:by|for|name|domain|string|list|word)\b.*",
        r"(?:domain|name|{})(?: is)? (?:reserved|restricted|blocked|prohibited|banned|forbidden)\b.*",
        r"restricted(?: -.*)?",
        r"(?:the )?(?:registration of )?this (?:domain|name|domain name) is restricted\b.*",
        r"(?:name|domain)(?: {})? is restricted from registration\b.*",
        (
            r"(?:sorry, )?(?:the )?domain(?: name)? you (?:requested|want to register) is (?:in the reserved list|"
            r"prohibited|reserved|restricted|not available)\b.*"
        ),
        r"(?:the )?domain (?:name )?(?:is )?not available or is reserved\b.*",
        r".{0,80}\bblocked by (?:a|the) globalblock\b.*",
        r".{0,80}\b(?:dpml block|blocked due to dpml|dpml brand protection)\b.*",
        r"(?:this|the) (?:domain|name|domain name)(?: {})? (?:is )?not available for (?:registration|purchase)\b.*",
        r"(?:the )?(?:domain|domain name) not available",
        r"this name (?:subscribes to|is protected by|is part of)\b.*",
        r"not available for (?:second level )?registration\b.*",
        (
            r"(?:domain )?status: (?:reserved|not allowed|unavailable|unassignable|blocked|excluded|withdrawn|prohibited "
            r"string)\b.*"
        ),
        r"(?:the )?queried object does not exist: .{0,40}\b(?:reserved|blocked|restricted|prohibited)\b.*",
        r"(?:domain |{} )?(?:can ?not|may not) be registered\b.*",
        r"(?:{} )?is available, but\b.*",
        r"no match for {}\. (?:reserved|blocked)\b.*",
        r"-*reserved-*",
        r"reserved names?(?::.*)?",
        r"reserved:(?! ?(?:no|none|false|n/a|never|0)\b).{1,60}",
        (
            rf"(?:{{}}|{_NAME}(?: {{}})?) (?:is .{{1,60}} and )?{_NEVER} be {_REGISTRABLE}\b"
            r"(?! because it contravenes).*"
        ),
        r"(?:this is )?(?:an? )?(?:icann|iana|registry|government|national)[ -]?(?:reserved|restricted|blocked|prohibited)\b.*",
        (
            r"(?:this is )?(?:an? )?(?:reserved|restricted|blocked|prohibited|forbidden|banned) "
            r"(?:string|name|domain|word|label)\b.*"
        ),
        rf"{_NAME}(?: {{}})? has usage restrictions\b.*",
        rf"{_NAME}(?: {{}})? is (?:not allowed|not permitted|not open|not available) (?:by|under|for|to)\b.*",
        rf"(?:registration of )?{_NAME}(?: {{}})? (?:is|are) restricted to\b.*",
        rf"registration of {_NAME}(?: {{}})? (?:requires|needs|is subject to)\b.*",
        r"상기 도메인이름은 .{0,80}(?:제한|금지|보류)된? .{0,20}",
        (
            r"(?:this |the )?(?:domain|name)(?: {})? (?:is |has been )?(?:in|on|part of|included in) the (?:reserved|"
            r"blocked|restricted) (?:names? )?list\b.*"
        ),
    ),
    Rule.INVALID: (
        (
            r"(?:error:? ?\d{0,12}:? ?)?invalid (?:input|domain(?: name)?|query|request|name|characters)(?: {}| in query "
            r"string| syntax)?"
        ),
        r"(?:domain )?status: (?:invalid|not allowed)\b.*",
        r"this domain cannot be registered because it contravenes\b.*",
        r"(?:status: )?this whois server does not have any records for that zone",
        r"query_status: (?:500|510)\b.*",
        r"error: \d{4,12} non bijective\b.*",
        (
            r"(?:the )?(?:domain |name |query |domain name )?(?:{} )?(?:is )?not (?:a )?(?:valid|legal|permitted)(?: "
            r"domain(?: name)?| query| name)?"
        ),
        r"(?:malformed|illegal|incorrect|bad) (?:domain(?: name)?|query|request|input)\b.*",
        rf"{_NAME}(?: {{}})? (?:is|was) (?:an? )?(?:invalid|illegal|malformed|not valid)\b.{{0,100}}",
    ),
    Rule.FREE: (
        (
            rf"(?:{{}} - )?{_SORRY}(?:but )?(?:{_NOUN}:? )?(?:{{}}:? ?)?(?:,? ?){_NOT} (?:been )?(?:found|registered|"
            rf"registred|exist|exists|be found|be located|in use|taken|allocated|assigned){_PLACE}!?"
        ),
        (
            rf"(?:{{}}(?::| -)? )?(?:error:? ?\d{{0,12}}:? ?)?{_SORRY}(?:there (?:is|are|was|were) )?(?:0|no|zero) "
            rf"(?:matching |such |exact )?{_THING}(?:{_VERB}|{_TARGET}|:? ?{{}}| on the domain (?:consulted|requested))"
            rf"(?:{_TARGET}|:? ?{{}}| on the domain (?:consulted|requested))?(?: found)?{_PLACE}"
        ),
        (
            r"(?:{}(?::| -)? )?no (?:match(?:es)?|match(?:es|ing)? (?:records?|objects?|domains?|entr(?:y|ies))"
            r"|such (?:domain|object))"
        ),
        r"(?:{}: )?(?:not|no) found(?::? ?{})?",
        r"not registered(?: ?[:-] ?.{0,20})?",
        rf"(?:not registered - )?{_NOUN}(?: {{}})? is not a registered (?:[\w.-]{{1,30}} )?(?:domain(?: name)?|name)",
        r"상기 도메인이름은 등록되어 있지 않습니다",
        r"(?:error:? ?\d{0,12}:? ?)?(?:no entries found|domain (?:name )?is not registered|no objects? found)",
        (
            r"(?:the |this )?(?:domain |domain name )(?:{} )?is (?:available|free|not registered|unregistered)(?: for "
            r"registration)?"
        ),
        r"(?:the |this )?(?:domain |domain name )?{} is available for purchase",
        r"{} (?:is )?(?:available|free|unregistered)(?: for registration)?",
        r"(?:domain|domain name) (?:available|free|unregistered|unassigned|unknown|unused|vacant|non-?existent)",
        (
            r"we do not have (?:an |any )?(?:entry|entries|records?|data) (?:in our (?:database|records) )?(?:for|"
            r"matching) (?:your query|{})"
        ),
        (
            r"(?:the )?queried object does not exist(?:: ?(?:{}|domain not found|no object found|no matching objects "
            r"found|no match|common; no match|not found|previous registration .{1,120}))?"
        ),
        (
            r"(?:el |o |le )?(?:dominio|domínio|domaine|nom de domaine)(?: {})? (?:no|não|n'est pas|non)(?: se encuentra| "
            r"está| existe| esta)?(?: registrado| encontrado| disponible| enregistré| trouvé| trovato)?(?: en .{1,30})?"
        ),
        r"{}: no existe",
        r"no_se_encontro_el_objeto/object_not_found",
        r"[^/]{1,30} / no match",
        r"nothing found(?: for (?:this query|{}|your query))?",
        r"(?:domain )?status: (?:free|available|no object found|not registered|not found|available \(.{0,120})",
        r"query_status: 220 available",
        r"(?:this|the) (?:domain|domain name|name)(?: {})? has not been registered",
        r"(?:domain {} |domain )?(?:nicht gefunden|niet gevonden|ikke fundet|inte hittad|non trovato|introuvable)",
        r"(?:an )?(?:object|domain|entry) (?:{} )?(?:is )?not (?:known|present)(?: (?:in|by|to) .{1,40})?",
        r"(?:error:? ?\d{0,12}:? ?)?no (?:se encontr\w{1,4}|existe)(?: .{1,40})?",
    ),
}  # fmt: skip

_COMPILED = {rule: re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) for rule, patterns in _PATTERNS.items()}


@lru_cache(maxsize=4096)
def rule_of(shape: str) -> Rule | None:
    """The first rule, in order of precedence, that a whole sentence matches; THROTTLED too where `limiting` recognises it."""
    found = next((rule for rule in Rule if _matches_rule(shape, rule)), None)
    if found is None and (limiting.reports_rate_limit(shape) or limiting.reports_used_up_quota(shape)):
        return Rule.THROTTLED
    return Rule.FREE if found is None and _is_free_throughout(shape) else found


def _is_free_throughout(shape: str) -> bool:
    """Whether two or three sentences on one line all say that there is no such name."""
    said = shape.split(". ", 3)
    return 1 < len(said) <= 3 and all(_matches_rule(sentence.strip(), Rule.FREE) for sentence in said)


def is_throttling(shape: str) -> bool:
    """Whether a sentence says that queries of this client are rate limited."""
    return _matches_rule(shape, Rule.THROTTLED)


def _matches_rule(shape: str, rule: Rule) -> bool:
    if rule is Rule.DROPZONE:
        return release.in_procedure(shape)
    return _COMPILED[rule].fullmatch(shape) is not None


_WAIT = re.compile(r"(\d{1,6})(?:\.\d{1,6})? ?(sec|second|s\b|min|minute|hour|h\b|h\d)")


def wait_of(text: str) -> float | None:
    """Seconds to wait that a rate limit text names, clamped to 1 s..24 h; None where it names no time."""
    match = _WAIT.search(text.lower())
    if match is None:
        return None
    factor = {"s": 1, "m": 60, "h": 3600}[match[2][0]]
    return float(min(max(int(match[1]) * factor, 1), 86_400))
