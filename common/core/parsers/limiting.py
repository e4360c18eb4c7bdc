"""Recognise rate limiting in a short statement of a server, by the parts that such statements are made of.

Each registry words this in its own way, so not sentences are listed here but their parts: a quota that is used up, queries that
come too fast, a client that is blocked, and "try again later". A text that only describes the rule ("clients that exceed the
limit will be blocked") does not count: its verb stands behind a condition. Statements are lower case with single blanks, `{}`
for the name. All patterns run in linear time.
"""

from __future__ import annotations

import re
from functools import lru_cache

from common.core.builtin.doubt_words import fold_text

#: Longest statement that can report a rate limit, in characters.
LONGEST = 200

_ASKED = (
    r"(?:quer(?:y|ies|ying)|requests?|look-?ups?|look ups?|looups?|connections?|access|accesses|whois|rdap|searches|hits|calls"
    r"|attempts|rate|frequency|traffic|usage)"
)
_CLIENT = r"(?:ip|ips|ip addres+e?s?|address(?:es)?|client|host|network|subnet|source|range|isp|you|country)"
_SHUT = (
    r"(?:blocked|black-?listed|deny-?listed|block-?listed|banned|throttled|rate[- ]limited|refused|rejected|denied|limited"
    r"|restricted|suspended|barred|locked out|not (?:authori[sz]ed|allowed|permitted))"
)
_OFTEN = r"(?:fast|quick(?:ly)?|often|frequent(?:ly)?|rapid(?:ly)?|high|soon|close)"
_IS = r"(?:is|are|was|were|has been|have been|been|got|being)"
_COMPLAINTS = "|".join(
    (
        # A quota that is used up.
        (
            r"\b(?:limit|quota|allowance|maximum|max|threshold|credits?)\b.{0,80}"
            r"\b(?:exceed(?:ed|s)?|reached|exhausted|used up|hit)\b"
        ),
        (
            r"\b(?:exceed(?:ed|s)?|exceeding|reached|exhausted|used up|hit|over)\b.{0,60}"
            rf"\b(?:limits?|quotas?|maximum|rates?|allowed|allowable|permitted|allowance|threshold|number of {_ASKED})\b"
        ),
        rf"\b{_ASKED} (?:rate )?(?:limit|quota|rate)s? (?:is |was |has been )?(?:exceed|reach|exhaust|hit|violat)",
        rf"\b{_ASKED} (?:has |have )?(?:been )?(?:exceeded|exhausted)\b",
        r"^(?:error:? ?)?(?:http )?(?:429\b|rate[- ]?limit(?:ed|ing)?$|throttl(?:ed|ing)\b|over quota\b|quota exceeded\b)",
        r"^(?:temporarily |you are )?(?:banned|blocked|black-?listed|throttled)$",
        r"^(?:error:? ?)?(?:ip )?(?:un|not )authori[sz]ed(?: (?:ip|access|client|request|to (?:use|query)\b).{0,40})?$",
        r"^you(?: are|'re) not (?:authori[sz]ed|allowed|permitted) to (?:query|use|access) this (?:server|service)\b.{0,40}$",
        r"\b(?:not in|not on|missing from) (?:the |our |any )?(?:white|allow)-?list",
        # Queries that come too fast.
        rf"\btoo (?:many|much) (?:\w{{1,20}} ){{0,3}}{_ASKED}",
        rf"\b(?:{_ASKED}|asking|you|speed)\b.{{0,40}}\btoo {_OFTEN}\b",
        rf"\btoo {_OFTEN}\b.{{0,40}}\b(?:quer|request|look-?up|access|connect)",
        r"\bexcessive (?:\w{1,20} ){0,2}(?:quer|request|look-?up|access|usage|use\b|connection|traffic)",
        r"\b(?:please )?slow(?:ing)? (?:it )?down\b|\bslow your\b",
        r"\bonly \d{1,6} (?:\w{1,20} ){0,2}(?:quer(?:y|ies)|requests?|connections?|look-?ups?) (?:per|every|each|a|in)\b",
        # A client that is blocked.
        (
            rf"\b(?:your (?!domain|name)|(?:this|the) {_CLIENT} |(?:the )?client(?:'s)? )(?:[\w.:/-]{{1,40}} ){{0,3}}{_IS} "
            rf"(?:\w{{1,20}} ){{0,2}}{_SHUT}\b"
        ),
        (
            r"\byou(?:'ve| have| are|'re| were) (?:\w{1,20} ){0,3}(?:blocked|black-?listed|banned|throttled|rate[- ]limited"
            r"|barred)\b"
        ),
        rf"\b{_ASKED} (?:from|by|of|to this server from) (?:[\w.:/']{{1,40}} ){{0,4}}{_IS} (?:\w{{1,20}} ){{0,2}}{_SHUT}\b",
        rf"^(?:error:? ?)?(?:ip|client)(?: address)?(?: [\w.:/]{{1,40}})?(?: {_IS})? (?:\w{{1,20}} ){{0,1}}{_SHUT}\b",
        (
            r"^(?:error:? ?)?(?:access|request|query|connection|permission) (?:is |was |has been )?(?:temporarily )?"
            r"(?:blocked|throttled|limited)\b"
        ),
    )
)
#: Longest "try again later", in characters.
_SHORT = 100
_LATER = re.compile(
    r"(?:^|[.,;:!] ?|\b(?:please|and|so) )(?:please )?"
    r"(?:try|query|retry|re-?try|ask|wait|come back|look up|search|request|submit)\b.{0,30}"
    r"\b(?:later|again|another|next|moment|\d{1,6} ?(?:s|sec|seconds?|min|minutes?|hours?))\b"
)
_BROKEN = re.compile(
    r"unavailable|not available|maintenance|\bdown\b|\bbusy\b|fail|broken|offline|time(?:d )?-?out|internal|database"
    r"|technical|unable|could not|cannot|problem|invalid"
)
#: The same in other languages, folded.
_FOREIGN = re.compile(
    r"trop de (?:requetes|demandes|connexions)"
    r"|(?:limite|quota) (?:\w{1,20} ){0,4}(?:atteinte?|depassee?|excedid[oa]|superad[oa]|alcanzad[oa]|atingid[oa]|raggiunt[oa])"
    r"|(?:excedido|superado|sobrepasado|ultrapassado|excedeu) (?:\w{1,20} ){0,4}(?:limite|cuota|quota|maximo)"
    r"|(?:demasiad|muit|tropp)[aeiosi]{1,2} (?:consult|solicitud|peticion|pedid|requisic|richiest|interrogazion|query)"
    r"|zu viele (?:anfragen|abfragen|verbindungen)"
    r"|(?:abfrage|anfrage)?limit (?:\w{1,20} ){0,2}(?:uberschritten|erreicht)"
    r"|te veel (?:verzoeken|aanvragen|opvragingen|queries)|limiet (?:\w{1,20} ){0,2}(?:bereikt|overschreden)"
    r"|for manga (?:forfragningar|fragor|anslutningar)|for mange (?:foresporsler|foresporgsler|oppslag|opslag)"
    r"|liian monta|zbyt wiele (?:zapytan|polaczen)|limit (?:zapytan|dotazu|dopytov)\b"
    r"|prilis mnoho (?:dotazu|pozadavku|dopytov)|prekrocen\w{0,2} |tul sok (?:lekerdezes|keres)"
    r"|cok fazla (?:sorgu|istek)|sorgu limit|prea multe (?:cereri|interogari)|слишком (?:много|часто)"
    r"|(?:превышен|исчерпан)|забагато (?:запитів|запитив)|перевищен|твърде много|превише (?:упита|захтева)"
    r"|(?:查询|查詢|请求|請求|访问|訪問).{0,12}(?:频繁|頻繁|过快|過快|超过|超過|超出|上限|受限)|(?:频率|頻率|次数|次數).{0,8}(?:过高|過高|超|限)"
    r"|(?:アクセス|問い合わせ|検索|リクエスト).{0,16}(?:制限|超|多)|(?:조회|요청|접속|질의).{0,16}(?:초과|제한|많)"
)
#: Before the matched part, these make a statement a rule for all clients or something that may happen.
_RULE = re.compile(
    r"\b(?:may|might|if|will|shall|should|must|could be|would|agree|that|which|who|whose|when(?:ever)?|once|users|clients"
    r"|anyone|to avoid|in order|please do not|not to|do not|don't|never|reserves?|without|unless|any|processes|automated"
    r"|high-volume)\b"
)
_COMPLAINT = re.compile(_COMPLAINTS)
#: Legal notices, and limits of a name's length.
_OTHER = re.compile(
    r"\b(?:agree|lawful|purposes?|terms of|reserves? the right|copyright|prohibited|length|characters?|labels?|long)\b"
)


@lru_cache(maxsize=4096)
def reports_rate_limit(statement: str) -> bool:
    """Whether a whole statement says that the server rate limits this client."""
    if len(statement) > LONGEST or _OTHER.search(statement):
        return False
    statement = fold_text(statement)
    for match in (_COMPLAINT.search(statement), _FOREIGN.search(statement)):
        if match is not None and not _RULE.search(statement[: match.start()]):
            return True
    return False


def asks_to_retry_later(statement: str) -> bool:
    """Whether a short statement only asks to try again later: a rate limit unless something is said to be broken."""
    if len(statement) > _SHORT or not _LATER.search(statement):
        return False
    return not (_BROKEN.search(statement) or _RULE.search(statement) or _OTHER.search(statement))


#: AFNIC prints the remaining quota of the network and of the address: "RL Net [##########] - RL IP [#########.]".
_METER = re.compile(r"rl (?:net|ip) ?\[([#.]{1,40})\]")


def reports_used_up_quota(statement: str) -> bool:
    """Whether a quota meter of a server shows that no query is left: one is empty, or all of them are full.

    The query itself uses a place, so an answer to a counted query never shows all its meters full.
    """
    meters = _METER.findall(statement)
    return bool(meters) and (any("#" not in meter for meter in meters) or all("." not in meter for meter in meters))
