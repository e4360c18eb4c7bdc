"""How registries delete names: phases in days, the hour of release, and the date from which the days are counted.

Every figure is a prior to be corrected by observation: registries change them, and a registrar may delete early or late.
Each row names its source and its date; `sure` says how much of it was confirmed. Where a registry hands purged names out by a
procedure of its own, the count ends with the purge: `common.core.builtin.release_procedures` tells what follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from common.core.builtin.suffix_rules import rules_for


class Days(NamedTuple):
    """Least and most days that a phase lasts."""

    least: int
    most: int


#: A phase that does not exist, and the phases of a gTLD (ICANN Expired Registration Recovery Policy).
NO_DAYS = Days(0, 0)
_GTLD_GRACE, _GTLD_REDEMPTION, _GTLD_PENDING = Days(0, 45), Days(30, 30), Days(5, 5)
#: The whole day, in minutes after midnight UTC.
ALL_DAY = (0, 1440)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """How one registry deletes names after expiry. `window`: first and last minute of a release, after midnight UTC.

    `grace`: after expiry and still renewable as usual. `redemption`: can only be restored. `pending`: can no longer be
    restored; None where the registry has no such phase. `from_expiry`: the registry counts from the expiry date, so that date
    alone tells the day; otherwise it counts from a deletion that the registrar chooses. `exact`: released that many times 24
    hours after the phase began, plus `window`, and not on a calendar day. `weekday`: released on that day of the week only
    (Monday is 0). `month_end`: released when the month after the deletion ends. `pending_is_both`: the registry says "pending
    delete" for redemption too. `sure`: 0..1. `published`: whether any figure is; without one there is no forecast before
    enough transitions were observed. `words`: those by which the registry's answers announce a phase. `source`: where it is
    published. `as_of`: when it was published, or read where the source has no date, an ISO date as exact as known.
    """

    grace: Days = _GTLD_GRACE
    redemption: Days = _GTLD_REDEMPTION
    pending: Days | None = _GTLD_PENDING
    window: tuple[int, int] = ALL_DAY
    from_expiry: bool = False
    exact: bool = False
    weekday: int | None = None
    month_end: bool = False
    pending_is_both: bool = False
    sure: float = 1.0
    published: bool = True
    words: tuple[str, ...] = ()
    source: str
    as_of: str


GTLD = Cycle(
    words=("auto renew period", "redemption period", "pending delete"),
    source="ICANN Expired Registration Recovery Policy; RFC 3915",
    as_of="2024-02-21",
)
_UNCONFIRMED = replace(
    GTLD, sure=0.9, source="taken to follow the gTLDs; the registry's own hour is not known", as_of="2026-10"
)
#: Nothing trustworthy was found: only transitions that are observed say something.
UNPUBLISHED = Cycle(
    grace=NO_DAYS,
    redemption=NO_DAYS,
    pending=None,
    sure=0.1,
    published=False,
    source="nothing trustworthy found: observed transitions only",
    as_of="2026-11",
)
# One batch from 14:00 US Eastern: 18:00 UTC in summer, 19:00 in winter.
_VERISIGN = replace(
    GTLD,
    window=(1075, 1325),
    source="Internet Measurement Conference 2018, re-registrations; dotweekly.com",
    as_of="2018-10",
)
_VERISIGN_TOO = replace(_VERISIGN, source="taken to follow .com: the same registry", as_of="2026-10")
_UK = Cycle(
    grace=Days(30, 30),
    redemption=Days(60, 60),
    from_expiry=True,
    pending_is_both=True,
    words=("pending delete", "may drop", "drop"),
    source="registrars.nominet.uk, expiry process and drop lists",
    as_of="2022-09-13",
)
_EU = Cycle(
    grace=Days(0, 0),
    redemption=Days(40, 40),
    pending=None,
    words=("quarantine",),
    source="help.eurid.eu, quarantine",
    as_of="2026-10",
)
_FR = Cycle(
    redemption=Days(30, 30),
    pending=None,
    words=("redemption", "pending delete"),
    source="afnic.fr, procedure guide and FR Rush",
    as_of="2026-10",
)
_CH = Cycle(redemption=Days(40, 40), pending=None, sure=0.85, source="politnet.ch", as_of="2026-10")
_SE = Cycle(
    grace=Days(10, 10),
    redemption=Days(60, 60),
    pending=Days(7, 7),
    window=(239, 480),
    from_expiry=True,
    words=("deactivated",),
    source="internetstiftelsen.se, deletion list",
    as_of="2026-10",
)
_AU = Cycle(
    grace=Days(0, 0),
    pending=Days(1, 2),
    window=(178, 270),
    from_expiry=True,
    words=("server hold", "pending delete"),
    source="auda.org.au, official drop list; dntrade.com.au",
    as_of="2026-10",
)
_RU = Cycle(
    grace=Days(30, 32),
    redemption=Days(0, 0),
    pending=None,
    from_expiry=True,
    source="free-date in recorded WHOIS answers of the registry",
    as_of="2017-05",
)

#: By suffix; a suffix without a row has the row of its top-level domain (but see EXACT).
CYCLES = {
    "com": _VERISIGN,
    "net": _VERISIGN,
    "cc": _VERISIGN_TOO,
    "name": _VERISIGN_TOO,
    "org": replace(
        GTLD, window=(805, 965), sure=0.95, source="study of drop-catching 2017 (wkr.io); dotweekly.com", as_of="2017"
    ),
    "biz": _UNCONFIRMED,
    "us": _UNCONFIRMED,
    "co": _UNCONFIRMED,
    "tv": _UNCONFIRMED,
    "in": _UNCONFIRMED,
    "uk": _UK,
    # A random instant of day 31.
    "de": Cycle(
        grace=Days(0, 0),
        redemption=Days(30, 31),
        pending=None,
        words=("redemption period",),
        source="denic.de, redemption grace period",
        as_of="2026-10",
    ),
    "nl": Cycle(
        grace=Days(0, 0),
        redemption=Days(40, 40),
        pending=None,
        window=(0, 60),
        exact=True,
        words=("in quarantine",),
        source="sidn.nl, quarantine end times",
        as_of="2026-10",
    ),
    "eu": _EU,
    "xn--e1a4c": _EU,
    "xn--qxa6a": _EU,
    # Hourly batches, each name in the batch of a random hour.
    "be": Cycle(
        grace=Days(0, 0),
        redemption=Days(40, 40),
        pending=None,
        words=("quarantine",),
        source="docs.dnsbelgium.be, deletes",
        as_of="2020-03-24",
    ),
    "fr": _FR,
    "re": _FR,
    "pm": _FR,
    "tf": _FR,
    "wf": _FR,
    "yt": _FR,
    # Two lists a day, at 09:00 and at 16:00 in Rome: 07:00 and 14:00 UTC in summer, 08:00 and 15:00 in winter.
    "it": Cycle(
        grace=Days(0, 15),
        pending=Days(0, 5),
        window=(415, 930),
        words=("auto renew period", "redemption period", "pending delete"),
        source="nic.it, drop time; registrazionedomini.info for the phases",
        as_of="2026-11",
    ),
    "ch": _CH,
    "li": _CH,
    # Purged 60 days after expiry, some say on day 61; the auction comes after that.
    "cz": Cycle(
        grace=Days(30, 30),
        pending=Days(0, 1),
        from_expiry=True,
        source="CZ.NIC auctions, by domainmaster.cz; support.forpsi.com",
        as_of="2024-05-01",
    ),
    "sk": Cycle(
        grace=Days(0, 0),
        redemption=Days(40, 40),
        pending=Days(0, 1),
        from_expiry=True,
        pending_is_both=True,
        source="sk-nic.sk, domain life cycle",
        as_of="2017-09-22",
    ),
    "se": _SE,
    "nu": _SE,
    "no": Cycle(
        grace=Days(60, 60),
        pending=None,
        from_expiry=True,
        sure=0.95,
        words=("quarantine",),
        source="norid.no, renewal and deletion",
        as_of="2026-10",
    ),
    "ca": Cycle(
        pending=Days(2, 9),
        window=(1135, 1260),
        weekday=2,
        words=("redemption", "pending delete"),
        source="cira.ca, To Be Released; kb.easydns.com",
        as_of="2026-10",
    ),
    "au": _AU,
    # Released to registrars in the session from 02:00 to 03:00 UTC of day 90 or the day after, to the public once it is over.
    "nz": Cycle(
        grace=Days(0, 0),
        redemption=Days(90, 91),
        pending=None,
        window=(115, 245),
        words=("pending release",),
        sure=0.95,
        source="docs.internetnz.nz, droplist interface",
        as_of="2026-11",
    ),
    "jp": Cycle(
        grace=Days(0, 31),
        redemption=Days(28, 31),
        pending=None,
        month_end=True,
        words=("to be suspended", "suspended"),
        source="jprs.jp, life cycle; blogs.itmedia.co.jp for the hour",
        as_of="2026-10",
    ),
    "ru": _RU,
    "su": _RU,
    "xn--p1ai": _RU,
    "br": Cycle(
        grace=Days(0, 0),
        redemption=Days(60, 110),
        pending=None,
        from_expiry=True,
        sure=0.6,
        source="pccom.pro; HEXONET wiki; the release rounds that follow: registro.br lists",
        as_of="2026-11",
    ),
    # Ends at the very instant that WHOIS shows; option holders go first, and an explicit deletion takes five days only.
    "pl": Cycle(
        grace=Days(0, 0),
        pending=None,
        from_expiry=True,
        sure=0.7,
        source="dns.pl, life cycle; expireddomains.net; openprovider.com",
        as_of="2018-08",
    ),
    "es": Cycle(
        grace=Days(10, 11),
        redemption=Days(0, 0),
        pending=None,
        window=(150, 250),
        from_expiry=True,
        sure=0.7,
        source="expiring.es",
        as_of="2026-10",
    ),
    # 15 days in the zone, 30 out of it, then deleted at some time of the day; the auction comes after that.
    "ee": Cycle(
        grace=Days(15, 15),
        pending=Days(0, 1),
        from_expiry=True,
        sure=0.9,
        source="internet.ee, release of .ee domains; source code of the registry (internetee/registry)",
        as_of="2026-11",
    ),
    "cn": Cycle(redemption=Days(15, 15), sure=0.7, source="tables of resellers", as_of="2026-10"),
    "hk": Cycle(
        grace=Days(30, 30),
        redemption=Days(60, 60),
        pending=None,
        from_expiry=True,
        sure=0.7,
        source="tables of resellers",
        as_of="2026-10",
    ),
    "dk": Cycle(grace=Days(0, 0), pending=None, sure=0.7, source="no source: common knowledge, not confirmed", as_of="2026-10"),
    # Suspended for 60 days; the list for re-allocation comes after that.
    "tr": Cycle(
        grace=Days(0, 0),
        redemption=Days(60, 60),
        pending=None,
        from_expiry=True,
        sure=0.6,
        source="TRABIS re-allocation, by atakdomain.com",
        as_of="2025-05-14",
    ),
    "ie": Cycle(sure=0.9, source=".IE redemption policy, by myhost.ie and webworld.ie", as_of="2025-08-01"),
    # 30 days instead of 45, and 30 instead of 60, since April 2023.
    "hu": Cycle(
        grace=Days(30, 30),
        pending=None,
        from_expiry=True,
        sure=0.8,
        source=".hu registration rules, by napi.hu and hwsw.hu",
        as_of="2023-04-01",
    ),
    # A calendar month after expiry.
    "fi": Cycle(
        grace=Days(0, 0),
        redemption=Days(28, 31),
        pending=None,
        from_expiry=True,
        sure=0.7,
        source="Traficom waiting period, by goldsteinreport.com",
        as_of="2009-09",
    ),
    # 30 days without the day it began; where they end on a day off, on the next working day.
    "lt": Cycle(
        grace=Days(0, 0),
        redemption=Days(30, 34),
        pending=None,
        from_expiry=True,
        sure=0.9,
        source="domreg.lt, what is quarantine",
        as_of="2026-11",
    ),
    # A month after expiry, at a random time between 10:00 and 17:00 in Korea; rules changed again in October 2024.
    "kr": Cycle(
        grace=Days(0, 0),
        redemption=Days(28, 31),
        pending=None,
        window=(60, 480),
        from_expiry=True,
        sure=0.5,
        source="KRNIC deletion hours, by etnews.com",
        as_of="2003-01-07",
    ),
    "ua": Cycle(grace=Days(28, 30), sure=0.8, source="life cycle of .ua, by nic.ua and cityhost.ua", as_of="2023-05-01"),
    "co.za": Cycle(
        grace=Days(5, 5),
        redemption=Days(29, 30),
        pending=None,
        from_expiry=True,
        sure=0.6,
        source="ZARC closed redemption, by resellers (trinico.cloud, hostking.co.za)",
        as_of="2026-11",
    ),
}
#: Rows that hold for the suffix itself only: the registry runs the levels below it by other rules.
EXACT = frozenset({"jp"})


def cycle_for(suffix: str) -> Cycle | None:
    """The cycle of a public suffix (A-label, lower case); None where no trustworthy figure is known."""
    row = row_for(suffix)
    return row if row.published else None


def row_for(suffix: str) -> Cycle:
    """The row of a public suffix (A-label, lower case), also one that says that nothing is published."""
    if suffix in CYCLES:
        return CYCLES[suffix]
    rules = rules_for(suffix)
    if rules.kind == "private":
        return _UNCONFIRMED
    tld = suffix.rpartition(".")[2]
    if tld in CYCLES and tld not in EXACT:
        return CYCLES[tld]
    return GTLD if rules.kind != "cctld" or rules.dropzone else UNPUBLISHED
