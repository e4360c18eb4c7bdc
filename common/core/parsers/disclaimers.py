"""Recognise the disclaimers, banners and terms of use in WHOIS answers and RDAP notices.

They contain every word that would otherwise say something about a name: "reserved", "prohibited", "not available".
"""

from __future__ import annotations

import re

_LEGAL = re.compile(
    r"terms (?:of|and|&)|conditions?\b|comply|discretion|copyright|©|\(c\)|all rights|rights re(?:served|stricted)"
    r"|restricted rights|disclaimer|legal notice|legal-notice|warrant|liabl|liability|you (?:may|agree|must|shall)"
    r"|by (?:submitting|using|executing)|lawful|purposes|reserves? the right|guarantee"
    r"|(?:is|are) (?:being )?(?:provided|offered|collected|made available|protected by)|use of (?:this|the|our)"
    r"|(?:this|the|our) (?:[\w.]+ )?(?:whois|rdap|rdds|data|service|server|information|database) "
    r"|whois (?:server|service|information|data|version)\b|access to|personal data|gdpr|privacy|unsolicited|advertis"
    r"|looking up |high.volume|redistribut|repackag|dissemination|intellectual property|status codes|inaccuracy complaint"
    r"|request(?:ed)? (?:from|by) |session has been logged|^domains? (?:names? )?(?:up to|can|are|may|in|with|that)\b"
    r"|^users|(?:clients|users|queries|requests) (?:that|who|which|are|may|will)\b|^compilation|^access may|^registrars"
    r"|^whois query results|whois lookup made|^\* |^\(\w{1,4}\) |^- |encoding|zone files?|database contains"
    r"|contains only|condiciones|derechos reservados|droits reserves|conditions (?:generales|d'utilisation)"
    r"|nutzungsbedingungen|haftung|direitos reservados|termos de|termini|rechten voorbehouden|voorwaarden|villkor|vilkar"
    r"|rattigheter|rettigheter|opphavsrett|kopibeskyttet|ehdot|warunki|podmink|podmienk|felteteles|szerzoi"
    r"|servidor contiene|informacion contenida|права|условия|著作権|版权|版權|저작권|유의|本服务|本服務"
)

#: Phrases that occur in no statement about a name.
_LIABILITY = re.compile(
    r"\bliab(?:le|ility)\b|\bwarrant(?:y|ies)\b|lawful|under (?:no|any),? circumstances|you agree|terms and conditions"
    r"|terms of use"
)


def is_liability_clause(folded: str) -> bool:
    """Whether a folded line is part of a disclaimer although it may begin with a name: "DNS.be cannot be held liable"."""
    return _LIABILITY.search(folded) is not None


def is_disclaimer(folded: str) -> bool:
    """Whether a folded line (`builtin.doubt_words.fold_text`) belongs to a disclaimer, a banner or terms of use."""
    return _LEGAL.search(folded) is not None
