"""Suffixes that only the scenarios have, each with servers of its own: a server that lies here disturbs no other scenario."""

from __future__ import annotations

from tests.lab.suffixes import Suffix


def _rdap_only(label: str, number: int, **more: str) -> Suffix:
    return Suffix(label, number, number, "gtld", whois=False, **more)  # type: ignore[arg-type]  # only texts are left


def _whois_only(label: str, number: int, dialect: str, *, days: tuple[float, float, float] = (45, 30, 5)) -> Suffix:
    grace, redemption, pending = days
    return Suffix(
        label, number, number, dialect, rdap=False, auto_renews=False, grace_days=grace, redemption_days=redemption,
        pending_days=pending,
    )  # fmt: skip


#: Where RDAP, WHOIS or DNS dies, each alone.
_DEAD = (
    "buzz", "fans", "quest", "yoga", "surf", "rest", "host", "press", "space", "online", "love", "menu", "rent", "tube", "work",
    "best", "casa", "fashion", "beer", "website", "study", "help", "click", "party", "link",
)  # fmt: skip

#: Where a registrar lies, knows better, or is all that speaks.
_SOLD = ("monster", "hair", "skin", "beauty", "autos", "boats", "homes", "yachts", "college", "makeup")

FURTHER = (
    # honest ones
    Suffix("cc", 61, 61, "verisign", rdap_404="empty", unix_serial=True),
    _rdap_only("dev", 21),
    _whois_only("it", 46, "nicit"),
    # registries with a release procedure of their own
    Suffix("me", 39, 39, "gtld"),
    Suffix("cz", 40, 40, "fred", auto_renews=False, grace_days=30, redemption_days=30, pending_days=1),
    Suffix("ca", 41, 41, "cira"),
    Suffix("br", 42, 42, "registrobr", auto_renews=False, grace_days=0, redemption_days=80, pending_days=0),
    _whois_only("dk", 43, "gtld", days=(0, 30, 0)),
    _whois_only("ee", 62, "eis", days=(15, 29, 1)),
    # RDAP servers that lie, refuse or throttle
    _rdap_only("app", 22),
    _rdap_only("page", 23),
    _rdap_only("shop", 24, rdap_of="dev"),
    _rdap_only("biz", 25),
    _rdap_only("xyz", 26),
    _rdap_only("tech", 27),
    _rdap_only("store", 28),
    _rdap_only("wiki", 29),
    _rdap_only("club", 30),
    _rdap_only("vip", 31),
    _rdap_only("lol", 32),
    Suffix("ooo", 57, 57, "gtld"),
    _rdap_only("ing", 55),
    _rdap_only("bio", 60),
    _rdap_only("wow", 56),
    _rdap_only("blog", 33),
    # WHOIS servers that throttle, stay empty or never end
    Suffix("fr", 44, 44, "afnic", auto_renews=False, redemption_days=30, pending_days=0),
    _whois_only("nu", 45, "iis", days=(10, 60, 7)),
    _whois_only("be", 47, "eurid", days=(0, 40, 0)),
    _whois_only("lv", 48, "gtld"),
    _whois_only("ro", 49, "gtld"),
    _whois_only("lt", 50, "eurid"),
    # WHOIS servers that print something beside their free line
    _whois_only("so", 90, "gtld"),
    _whois_only("gp", 91, "gtld"),
    _whois_only("ms", 92, "gtld"),
    _whois_only("fm", 93, "gtld"),
    _whois_only("pf", 94, "gtld"),
    # no server is known for them, and what IANA's server says about it
    Suffix("gt", 52, 52, "gtld", rdap=False, whois=False),
    Suffix("gr", 53, 53, "gtld", rdap=False, named_by_iana=True),
    # DNS in trouble
    Suffix("site", 34, 34, "gtld", wildcard=True),
    Suffix("cloud", 35, 35, "gtld", in_root=False),
    Suffix("top", 36, 36, "gtld"),
    _rdap_only("art", 37),
    _rdap_only("ink", 51),
    _rdap_only("fun", 54),
    Suffix("ch", 38, 38, "gtld", whois=False, redemption_days=40, pending_days=0),
    # one channel of the registry is dead
    Suffix("net", 20, 20, "verisign", rdap_404="empty", unix_serial=True),
    _whois_only("kiwi", 63, "gtld"),
    Suffix("bond", 64, 64, "gtld", whois=False, whois_gone=True),
    *(Suffix(label, 65 + index, 65 + index, "gtld") for index, label in enumerate(_DEAD)),
    # a registrar sells them
    *(Suffix(label, 100 + index, 100 + index, "gtld") for index, label in enumerate(_SOLD)),
    Suffix("motorcycles", 110, 110, "verisign", rdap_404="empty", unix_serial=True),
)
