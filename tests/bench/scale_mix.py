"""What a list is made of: the suffixes by their share of all registered names, and what is known of their names. Pure.

Every figure has its source and its year. What is in no public table is a guess, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: The suffixes that are in no row of their own, as so many of equal size, under hosts of which nothing is known.
OTHERS, HOSTS = "others", 40


@dataclass(frozen=True, slots=True)
class Share:
    """One suffix of a list: its share of the names, and how many addresses serve its zone (IPv4 alone).

    `dated`: whether the registry's records have expiry dates. `copies`: how many suffixes of this size the
    row stands for. `zone`: how its whole zone can be had, "" where it cannot.
    """

    suffix: str
    share: float
    addresses: int = 4
    dated: bool = True
    copies: int = 1
    zone: str = ""


#: Names that exist by suffix, of 361,301,790: domain security census of defaults.exposed, huggingface.co/datasets/
#: defaultsexposed/domain-security-census (doi 10.5281/zenodo.22690388), as of November 2026. Addresses: two letters a name
#: server of com and net, org, de, uk in the root zone; 4 is the guess that the service itself begins with.
REGISTERED = {
    "com": 167_247_780,
    "de": 13_245_447,
    "net": 12_417_769,
    "org": 12_188_021,
    "xyz": 10_632_931,
    "uk": 8_272_650,
    "cn": 7_212_829,
}
ALL_REGISTERED = 361_301_790
_CZDS = "CZDS, once a day"
_ROWS = (
    Share("com", 0, 13, zone=_CZDS),
    Share("de", 0, 6, dated=False),
    Share("net", 0, 13, zone=_CZDS),
    Share("org", 0, 6, zone=_CZDS),
    Share("xyz", 0, zone=_CZDS),
    Share("uk", 0, 8),
    Share("cn", 0),
)


def _public() -> tuple[Share, ...]:
    known = tuple(replace(row, share=REGISTERED[row.suffix] / ALL_REGISTERED) for row in _ROWS)
    return (*known, Share(OTHERS, 1 - sum(row.share for row in known), copies=HOSTS))


#: The names that exist, and the worst case: every name under one operator.
PUBLIC = _public()
ALL_COM = (Share("com", 1.0, 13, zone=_CZDS),)
MIXES = {"public": PUBLIC, "com": ALL_COM}

#: Share of the names that were deleted within a year: com, December 2018 to December 2019 (circleid.com, "The Ghosts of
#: Deletions Future", 10 December 2019); and of the names in redemption or pending delete at one time: com, January 2012
#: (blog.domaintools.com, 2.1 million beside 99.8 million in the zone).
DELETED_A_YEAR, OUT_OF_ZONE = 0.1733, 0.0206
#: Bytes of a zone file for each of its names, plain and packed: com, 24 April 2006 (kfwebs.net: 51,268,278 names, 3.7 GiB,
#: packed 810 MiB). Signatures came later, so a zone of today is larger.
ZONE_BYTES, ZONE_PACKED = 3.7 * 2**30 / 51_268_278, 810 * 2**20 / 51_268_278


def parse_mix(text: str) -> tuple[Share, ...]:
    """A mix by name ("public", "com"), or suffixes with shares ("com=0.6,de=0.4"). Raises ValueError for others.

    Shares need not add up to 1: they count in proportion.
    """
    if text in MIXES:
        return MIXES[text]
    shares: dict[str, float] = {}
    for part in text.split(","):
        suffix, found, share = part.strip().partition("=")
        if not (found and suffix) or float(share) <= 0:
            raise ValueError(f'"{part}" is no suffix with its share, such as com=0.6')
        shares[suffix.lower()] = float(share)
    return mix_of(shares)


def mix_of(counts: dict[str, float]) -> tuple[Share, ...]:
    """The mix of a list, from the number of its names under each suffix."""
    rows, total = {row.suffix: row for row in _ROWS}, sum(counts.values())
    return tuple(replace(rows.get(suffix, Share(suffix, 0)), share=count / total) for suffix, count in counts.items())
