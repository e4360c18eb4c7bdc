"""How registries let go of names: phases in days, the hour of release, and what the count starts from.

Every figure is a prior to be corrected by what is seen: registries change them, and a registrar may delete early or late.
Sources: gTLDs: ICANN's Expired Registration Recovery Policy and RFC 3915. Others: the registries' own pages
(registrars.nominet.uk, denic.de, sidn.nl, help.eurid.eu, docs.dnsbelgium.be, afnic.fr, internetstiftelsen.se, norid.no,
cira.ca, auda.org.au, jprs.jp), host.it for .it, support.forpsi.com for .cz. `sure` says how much of that was confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.core.tables.suffix_rules import rules_for

Days = tuple[int, int]
#: The whole day, in minutes after midnight UTC.
ALL_DAY = (0, 1440)


@dataclass(frozen=True, slots=True)
class Cycle:
    """The end of a name's life under one registry. Days are (least, most), `window` minutes after midnight UTC.

    `grace`: after expiry and still renewable as usual. `redemption`: only to be restored. `pending`: past saving; None where
    the registry has no such phase of its own. `from_expiry`: the registry counts from the expiry date, so that date alone
    tells the day; otherwise it counts from a deletion that the registrar chooses. `exact`: released that many times 24 hours
    after the phase began, plus `window`, and not on a calendar day. `weekday`: released on that day of the week only
    (Monday is 0). `month_end`: released when the month after the deletion ends. `pending_is_both`: the registry says
    "pending delete" for redemption too. `sure`: 0..1.
    """

    grace: Days = (0, 45)
    redemption: Days = (30, 30)
    pending: Days | None = (5, 5)
    window: tuple[int, int] = ALL_DAY
    from_expiry: bool = False
    exact: bool = False
    weekday: int | None = None
    month_end: bool = False
    pending_is_both: bool = False
    sure: float = 1.0


GTLD = Cycle()
_VERISIGN = Cycle(window=(1075, 1325))  # one batch from 14:00 US Eastern: 18:00 UTC in summer, 19:00 in winter
_PIR = Cycle(window=(805, 965), sure=0.95)
_UNCONFIRMED = Cycle(sure=0.9)
_UK = Cycle(grace=(30, 30), redemption=(60, 60), from_expiry=True, pending_is_both=True)
_SE = Cycle(grace=(10, 10), redemption=(60, 60), pending=(7, 7), window=(239, 480), from_expiry=True)
_AU = Cycle(grace=(0, 0), pending=(1, 2), window=(178, 270), from_expiry=True)
_EU = Cycle(grace=(0, 0), redemption=(40, 40), pending=None)
_FR = Cycle(redemption=(30, 30), pending=None)
_CH = Cycle(redemption=(40, 40), pending=None, sure=0.85)
_RU = Cycle(grace=(30, 32), redemption=(0, 0), pending=None, from_expiry=True)

#: By suffix; a suffix without a row has the row of its top-level domain (but see EXACT).
CYCLES = {
    "com": _VERISIGN,
    "net": _VERISIGN,
    "cc": _VERISIGN,
    "name": _VERISIGN,
    "org": _PIR,
    "biz": _UNCONFIRMED,
    "us": _UNCONFIRMED,
    "co": _UNCONFIRMED,
    "tv": _UNCONFIRMED,
    "in": _UNCONFIRMED,
    "uk": _UK,
    "de": Cycle(grace=(0, 0), redemption=(30, 31), pending=None),  # a random instant of day 31
    "nl": Cycle(grace=(0, 0), redemption=(40, 40), pending=None, window=(0, 60), exact=True),
    "eu": _EU,
    "xn--e1a4c": _EU,
    "xn--qxa6a": _EU,
    "be": _EU,
    "fr": _FR,
    "re": _FR,
    "pm": _FR,
    "tf": _FR,
    "wf": _FR,
    "yt": _FR,
    "it": Cycle(grace=(0, 15), pending=(0, 5)),
    "ch": _CH,
    "li": _CH,
    "cz": Cycle(grace=(30, 30), pending=(1, 1), from_expiry=True),
    "se": _SE,
    "nu": _SE,
    "no": Cycle(grace=(60, 60), pending=None, from_expiry=True, sure=0.95),
    "ca": Cycle(pending=(2, 9), window=(1135, 1260), weekday=2),
    "au": _AU,
    "nz": Cycle(grace=(0, 0), redemption=(90, 90), pending=None, sure=0.95),
    "jp": Cycle(month_end=True),
    "ru": _RU,
    "su": _RU,
    "xn--p1ai": _RU,
    "br": Cycle(grace=(0, 0), redemption=(60, 110), pending=None, from_expiry=True, sure=0.6),
    "pl": Cycle(grace=(0, 0), pending=None, from_expiry=True, sure=0.7),
    "es": Cycle(grace=(10, 11), redemption=(0, 0), pending=None, window=(150, 250), from_expiry=True, sure=0.7),
    "ee": Cycle(grace=(0, 0), redemption=(45, 45), pending=None, from_expiry=True, sure=0.7),
    "cn": Cycle(redemption=(15, 15), pending=(5, 5), sure=0.7),
    "hk": Cycle(grace=(30, 30), redemption=(60, 60), pending=None, from_expiry=True, sure=0.7),
    "dk": Cycle(grace=(0, 0), pending=None, sure=0.7),
}
#: Rows that hold for the suffix itself only: the registry runs the levels below it by other rules.
EXACT = frozenset({"jp"})


def cycle_for(suffix: str) -> Cycle | None:
    """The cycle of a public suffix (A-label, lower case); None where no trustworthy figure is known."""
    if suffix in CYCLES:
        return CYCLES[suffix]
    rules = rules_for(suffix)
    if rules.kind == "private":
        return _UNCONFIRMED
    tld = suffix.rpartition(".")[2]
    if tld in CYCLES and tld not in EXACT:
        return CYCLES[tld]
    return GTLD if rules.kind != "cctld" or rules.dropzone else None
