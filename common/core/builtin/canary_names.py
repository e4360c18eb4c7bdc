"""Names known to be registered ("canaries"), by suffix: a server that denies them is not trusted about other names.

By rule where there is one (`nic.<tld>` is the registry's own under every gTLD since 2012), by table for the rest. The table is
small on purpose: names that have stood for decades and whose loss would make headlines.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from common.core.builtin.suffix_rules import rules_for
from common.core.builtin.tlds import split_words
from common.errors import ConfigError

#: Most candidates given for one suffix.
MOST = 3
#: Largest canaries file read, in bytes, and most suffixes in it.
MAX_BYTES = 1 << 20
MAX_ROWS = 10_000

_OWN: Mapping[str, tuple[str, ...]] = {
    "com": ("verisign.com", "google.com", "ibm.com"),
    "net": ("verisign.net", "google.net", "ripe.net"),
    "org": ("icann.org", "wikipedia.org", "ietf.org"),
    "info": ("nic.info", "afilias.info", "google.info"),
    "biz": ("nic.biz", "google.biz", "neustar.biz"),
    "mobi": ("nic.mobi", "google.mobi"),
    "name": ("nic.name", "verisign.name"),
    "pro": ("nic.pro", "registry.pro"),
    "ac": ("nic.ac", "google.ac"),
    "ai": ("nic.ai", "google.ai", "x.ai"),
    "app": ("nic.app", "google.app", "cash.app"),
    "at": ("nic.at", "orf.at", "google.at"),
    "au": ("auda.au", "google.au"),
    "com.au": ("google.com.au", "telstra.com.au", "nab.com.au"),
    "net.au": ("abc.net.au", "iinet.net.au"),
    "org.au": ("auda.org.au", "csiro.org.au"),
    "be": ("dnsbelgium.be", "google.be", "belgium.be"),
    "br": ("registro.br", "nic.br", "cgi.br"),
    "com.br": ("google.com.br", "uol.com.br", "globo.com.br"),
    "ca": ("cira.ca", "google.ca", "cbc.ca"),
    "cc": ("nic.cc", "google.cc"),
    "ch": ("nic.ch", "switch.ch", "admin.ch"),
    "cn": ("cnnic.cn", "google.cn", "baidu.cn"),
    "com.cn": ("sina.com.cn", "cnnic.com.cn", "baidu.com.cn"),
    "co": ("google.co", "go.co", "t.co"),
    "cz": ("nic.cz", "seznam.cz", "google.cz"),
    "de": ("denic.de", "google.de", "bahn.de"),
    "dev": ("nic.dev", "google.dev", "web.dev"),
    "dk": ("punktum.dk", "dr.dk", "google.dk"),
    "ee": ("internet.ee", "google.ee", "err.ee"),
    "es": ("dominios.es", "google.es", "rtve.es"),
    "eu": ("eurid.eu", "europa.eu", "google.eu"),
    "fi": ("traficom.fi", "yle.fi", "google.fi"),
    "fr": ("afnic.fr", "google.fr", "orange.fr"),
    "hk": ("hkirc.hk", "google.hk"),
    "hu": ("nic.hu", "google.hu", "telekom.hu"),
    "ie": ("weare.ie", "rte.ie", "google.ie"),
    "in": ("registry.in", "nixi.in", "google.in"),
    "co.in": ("google.co.in", "amazon.co.in"),
    "io": ("nic.io", "google.io", "github.io"),
    "it": ("nic.it", "google.it", "rai.it"),
    "jp": ("jprs.jp", "google.jp", "yahoo.jp"),
    "co.jp": ("jprs.co.jp", "google.co.jp", "yahoo.co.jp"),
    "kr": ("google.kr", "naver.kr"),
    "co.kr": ("google.co.kr", "samsung.co.kr", "naver.co.kr"),
    "li": ("nic.li", "google.li", "llv.li"),
    "lt": ("domreg.lt", "google.lt", "lrt.lt"),
    "lu": ("dns.lu", "google.lu", "rtl.lu"),
    "lv": ("nic.lv", "google.lv", "lsm.lv"),
    "me": ("domain.me", "nic.me", "google.me"),
    "nl": ("sidn.nl", "google.nl", "nos.nl"),
    "no": ("norid.no", "nrk.no", "google.no"),
    "nu": ("nic.nu", "google.nu"),
    "nz": ("internetnz.nz", "google.nz"),
    "co.nz": ("google.co.nz", "stuff.co.nz", "trademe.co.nz"),
    "org.nz": ("dnc.org.nz", "internetnz.org.nz"),
    "pl": ("dns.pl", "nask.pl", "google.pl"),
    "com.pl": ("google.com.pl", "allegro.com.pl"),
    "pt": ("dns.pt", "google.pt", "rtp.pt"),
    "ro": ("rotld.ro", "google.ro"),
    "ru": ("cctld.ru", "yandex.ru", "google.ru"),
    "su": ("fid.su", "google.su"),
    "se": ("internetstiftelsen.se", "google.se", "svt.se"),
    "sk": ("sk-nic.sk", "google.sk", "sme.sk"),
    "tv": ("nic.tv", "twitch.tv", "google.tv"),
    "uk": ("nominet.uk", "google.uk", "bbc.uk"),
    "co.uk": ("bbc.co.uk", "google.co.uk", "amazon.co.uk"),
    "org.uk": ("nominet.org.uk", "oxfam.org.uk"),
    "me.uk": ("nominet.me.uk", "google.me.uk"),
    "us": ("nic.us", "google.us", "zoom.us"),
    "xn--p1ai": ("xn--80aaxitdbjk.xn--p1ai", "xn--h1alffa9f.xn--p1ai"),
    "uk.com": ("centralnic.uk.com", "nic.uk.com"),
    "us.com": ("nic.us.com",),
    "eu.com": ("nic.eu.com",),
    "de.com": ("nic.de.com",),
}
#: Suffixes under which Google has served search for many years: google.<suffix>.
_GOOGLE = split_words(
    """
    ad ae al am as az ba bf bg bi bj bs bt by cat cd cf cg ci cl cm cv dj dm dz fm ga ge gg gl gm gr gy hn hr ht im iq is je jo
    kg ki kz la lk md mg mk ml mn mu mv mw ne nr pn ps rs rw sc sh si sm sn so sr st td tg tk tl tm tn to tt vg vu ws
    co.ao co.bw co.ck co.cr co.id co.il co.ke co.ls co.ma co.mz co.th co.tz co.ug co.uz co.ve co.vi co.za co.zm co.zw
    com.af com.ag com.ai com.ar com.bd com.bh com.bn com.bo com.bz com.co com.cu com.cy com.do com.ec com.eg com.et com.fj
    com.gh com.gi com.gt com.hk com.jm com.kh com.kw com.lb com.ly com.mm com.mt com.mx com.my com.na com.ng com.ni com.np
    com.om com.pa com.pe com.pg com.ph com.pk com.pr com.py com.qa com.sa com.sb com.sg com.sl com.sv com.tj com.tr com.tw
    com.ua com.uy com.vc com.vn
    """
)


def canaries_for(suffix: str) -> tuple[str, ...]:
    """Up to three names that are expected to be registered under a suffix, best first; empty where none is known."""
    if suffix in _OWN:
        return _OWN[suffix][:MOST]
    if suffix in _GOOGLE:
        return (f"google.{suffix}", f"nic.{suffix}")[: 1 if "." in suffix else 2]
    if "." in suffix:
        return ()
    if rules_for(suffix).kind == "cctld":
        return (f"nic.{suffix}", f"google.{suffix}")
    return (f"nic.{suffix}",)


def parse_canaries(data: bytes) -> dict[str, tuple[str, ...]]:
    """Parse a canaries file: `{"suffix": ["a name known to be registered", ...]}`, JSON, at most 1 MiB; names as A-labels.

    Raises ConfigError with one sentence for each wrong row: a name must lie directly below its suffix.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError([f"canaries file: {len(data)} bytes, at most {MAX_BYTES}"])
    try:
        rows = msgspec.json.decode(data, type=dict[str, list[str]])
    except (ValueError, RecursionError) as error:
        raise ConfigError([f'canaries file: expected {{"suffix": ["name", ...]}}: {error}']) from error
    if len(rows) > MAX_ROWS:
        raise ConfigError([f"canaries file: {len(rows)} suffixes, at most {MAX_ROWS}"])
    found: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for key, names in rows.items():
        suffix = key.strip().strip(".").lower()
        lower = [name.strip().removesuffix(".").lower() for name in names]
        wrong = [name for name in lower if not _is_directly_below(name, suffix)]
        problems += [f'canaries file, "{key[:100]}": {name[:100]!r} is no name directly below it' for name in wrong]
        found[suffix] = tuple(lower)
    if problems:
        raise ConfigError(problems[:20])
    return found


def _is_directly_below(name: str, suffix: str) -> bool:
    label = name.removesuffix(f".{suffix}")
    return bool(suffix) and name.isascii() and label != name and bool(label) and "." not in label and " " not in label
