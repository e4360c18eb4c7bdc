"""Rules of registration under a public suffix: eligibility, characters and lengths allowed, and other obstacles.

`p_registrable` is P(an ordinary registrar can create the name now | the registry has no such object), shown as "rho". The
figures are estimates, to be corrected from experience; 0 means that the public can never register there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import idna

from common.core.builtin.release_procedures import ReleaseKind, procedure_for
from common.core.builtin.tlds import BRAND_TLDS, IDN_COUNTRY_TLDS, PRIVATE_SUFFIXES, split_words
from common.core.model.scripts import mixed_script

Kind = Literal["gtld_legacy", "gtld", "cctld", "private"]

_LEGACY = split_words(
    "com net org info biz name pro aero asia cat coop jobs mobi museum post tel travel xxx edu gov int mil arpa"
)
#: Infrastructure, and sponsored top-level domains that only admit institutions.
_CLOSED = split_words("arpa edu gov int mil onion")
#: Second-level words that ccTLD registries reserve for the state, the forces, schools and universities.
_CLOSED_WORDS = split_words(
    """
    gov gob gouv gub govt gobierno guv government mil army police nhs ac edu sch school k12 lib mod parliament leg jus judiciary
    """
)
_CLOSED_SUFFIXES = split_words(
    """
    go.jp lg.jp ed.jp ad.jp go.kr re.kr es.kr hs.kr ms.kr kg.kr go.id go.th go.ke go.ug go.tz go.cr go.ci desa.id mi.th
    in-addr.arpa ip6.arpa admin.ch nsn.us dni.us fed.us isa.us state.us police.uk nhs.uk mod.uk iwi.nz cri.nz health.nz
    gv.at bl.uk nls.uk jet.uk
    """
)
#: Open to the public although `_CLOSED_WORDS` says otherwise.
_OPEN_SUFFIXES = split_words("edu.pl")

#: Suffixes whose registry takes no internationalised labels: an xn-- label cannot exist there.
_NO_IDN = split_words("uk nl us ai au za cz sk ie ru mx my ke ng pk ma int edu gov mil aero")
#: Suffixes in another script that take labels of that script only: an ASCII label cannot exist there.
_NO_ASCII = split_words("xn--p1ai xn--90ais xn--90a3ac xn--j1amh xn--d1alf xn--90ae xn--e1a4c xn--qxa6a xn--qxam xn--80ao21a")
#: Suffixes with wildcard records: they answer for unregistered names too, so DNS proves nothing there.
_WILDCARD = split_words("ws ph vg xn--node xn--fiqs8s xn--fiqz9s com.ph net.ph org.ph co.com jp.net co.nu")
#: Shortest label the registry takes, where that is its written rule.
_MIN_LABEL = {"eu": 2, "nl": 2, "be": 2, "xn--e1a4c": 2, "xn--qxa6a": 2}

_P_REGISTRABLE: dict[Kind, float] = {"gtld_legacy": 0.95, "gtld": 0.95, "cctld": 0.96, "private": 0.9}
_P_REGISTRABLE_OF = {"com": 0.995, "net": 0.995, "org": 0.995}
#: gTLD labels below this length are mostly premium or reserved.
_SHORT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SuffixRules:
    """What is known about one public suffix.

    `restricted`: not open to the public at all (government, military, schools, infrastructure). `brand`: one company's own
    top-level domain, open to be watched yet never available. `dropzone`: purged names wait about a day and a half in a
    procedure of the registry. `release`: how names that existed before come back.
    """

    suffix: str
    kind: Kind
    p_registrable: float
    restricted: bool = False
    brand: bool = False
    idn_allowed: bool = True
    ascii_allowed: bool = True
    p_registrable_short_label: float | None = None
    min_label: int = 1
    dropzone: bool = False
    release: ReleaseKind | None = None
    wildcard_known: bool = False


@lru_cache(maxsize=16_384)
def rules_for(suffix: str) -> SuffixRules:
    """The rules of a public suffix, an A-label in lower case ("com", "co.uk", "xn--p1ai"). Total: any text gives rules."""
    tld = suffix.rpartition(".")[2]
    kind = _kind_of_suffix(suffix, tld)
    restricted = _is_restricted(suffix, tld)
    brand = tld in BRAND_TLDS
    own = kind != "private"
    procedure = procedure_for(suffix)
    release = procedure.kind if procedure is not None else None
    return SuffixRules(
        suffix=suffix,
        kind=kind,
        p_registrable=0.0
        if restricted or brand or _is_geographic(suffix, tld)
        else _P_REGISTRABLE_OF.get(suffix, _P_REGISTRABLE[kind]),
        restricted=restricted,
        brand=brand,
        idn_allowed=not own or tld not in _NO_IDN,
        ascii_allowed=tld not in _NO_ASCII,
        p_registrable_short_label=0.6 if kind == "gtld" else None,
        min_label=_MIN_LABEL.get(suffix, 1),
        dropzone=release == "dropzone",
        release=release,
        wildcard_known=suffix in _WILDCARD,
    )


def p_registrable_for(label: str, suffix: str) -> float:
    """P(available | unregistered), 0..1, for a label (A-label, without the suffix) under a suffix, before any evidence."""
    rules = rules_for(suffix)
    p = rules.p_registrable
    if rules.p_registrable_short_label is not None and len(label) < _SHORT:
        p = min(p, rules.p_registrable_short_label)
    if len(label) < max(rules.min_label, 2 if rules.kind == "gtld_legacy" else 1):
        p = 0.0  # single characters under the old gTLDs are reserved (ICANN registry agreements)
    if label.startswith("xn--"):
        ulabel = _decode_alabel(label)
        if ulabel is None:
            p = min(p, 0.5 if rules.kind == "cctld" else 0.0)  # symbols: gTLDs must follow IDNA2008, few ccTLDs take them
        elif mixed_script(ulabel):
            p = 0.0  # registries' language tables do not mix alphabets (ICANN's IDN guidelines)
    return p


def _kind_of_suffix(suffix: str, tld: str) -> Kind:
    if suffix in PRIVATE_SUFFIXES:
        return "private"
    if tld in _LEGACY:
        return "gtld_legacy"
    if len(tld) == 2 or tld in IDN_COUNTRY_TLDS:
        return "cctld"
    return "gtld"


def _is_restricted(suffix: str, tld: str) -> bool:
    if suffix in PRIVATE_SUFFIXES or suffix in _OPEN_SUFFIXES:
        return False
    if tld in _CLOSED:
        return True
    if "." not in suffix:
        return False
    if tld == "us" or suffix in _CLOSED_SUFFIXES:
        return True  # under .us only the second level is open; localities delegate the rest
    return any(word in _CLOSED_WORDS for word in suffix.split(".")[:-1])


def _is_geographic(suffix: str, tld: str) -> bool:
    """Whether the suffix is a place name reserved for the place: third level of .no and .it, city-type names of .jp."""
    depth = suffix.count(".")
    return (tld in {"no", "it"} and depth >= 1) or (tld == "jp" and depth >= 2)


def _decode_alabel(label: str) -> str | None:
    """The Unicode form of an A-label; None where it is not valid under IDNA2008."""
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return None
