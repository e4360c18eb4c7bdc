"""The registries of the simulation: which channels a suffix has, how its names go, and what is between a purge and a free name.

Which channels there are, and their real hosts, is taken from the product's own tables. What a registry does with a purged name
is written down here a second time, from the registries' pages, so that a wrong row of the product is found and not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from common.core.builtin.lifecycles import ALL_DAY, CYCLES, GTLD, Cycle, cycle_for
from common.core.builtin.suffix_rules import rules_for
from common.core.builtin.tlds import split_words
from common.core.registries.directory import Directory, RdapServer, host_of

DAY, HOUR = 86_400.0, 3600.0


@dataclass(frozen=True, slots=True)
class Procedure:
    """What a registry does with a purged name before it is free to register, `least` to `most` seconds long.

    `shown`: the channels that say so; the others deny the name as if it were free. `hour`: minutes after midnight UTC between
    which names are purged, where that is fixed. `after_expiry`: seconds from the expiry date at which it ends for a name that
    had expired, whenever its record went.
    """

    least: float
    most: float
    shown: frozenset[str] = frozenset()
    hour: tuple[int, int] | None = None
    after_expiry: float | None = None

    def end(self, purge: float, expires: float, share: float) -> float:
        """When the name becomes free to register, in epoch seconds; `share` (0..1) is how near its length is to the longest."""
        if self.after_expiry is not None and 0.0 < expires <= purge:
            return max(purge + HOUR, expires + self.after_expiry)
        return purge + self.least + share * (self.most - self.least)

    def longest_hold(self) -> float:
        """Seconds for which a calendar may hold back what no channel shows: a quarter longer than it lasts, and a day."""
        return self.most * 1.25 + DAY


_WHOIS = frozenset({"whois"})
#: By top-level domain; Identity Digital's suffixes are all like `dropzone`.
PROCEDURES = {
    "cz": Procedure(16.5 * DAY, 17 * DAY),  # fifteen days on the list, an auction of a day, free the day after
    "ee": Procedure(HOUR, DAY, _WHOIS),  # a blind auction until midnight; the record goes where there was no bid
    "br": Procedure(20 * DAY, 40 * DAY, _WHOIS),  # the monthly release process
    # thirty days on the list, after sixty of suspension in which the record may be gone already
    "tr": Procedure(30 * DAY, 90 * DAY, after_expiry=90 * DAY),
    "nz": Procedure(0.5 * HOUR, 0.98 * HOUR, hour=(120, 121)),  # a session for registrars from 02:00 to 03:00 UTC
    "ca": Procedure(0.5 * HOUR, 2 * HOUR),  # a session for registrars on Wednesdays
    "dk": Procedure(12 * HOUR, DAY),  # the paid waiting list comes first
}
DROPZONE = Procedure(12 * HOUR, 30 * HOUR)
DROPZONE_SHOWN = Procedure(12 * HOUR, 30 * HOUR, _WHOIS)
#: Suffixes that have no row of their own in a table of the product and shall be there: by operator, by rule, by shape.
_FURTHER = split_words(
    """
    io ai info me live app dev shop online xyz club co.uk org.uk com.br com.tr tr co.nz com.au uk.com us.com ws ph co.jp sk
    hu at fi ie lt kr ua co.za tokyo photos
    """
)


@dataclass(frozen=True, slots=True)
class SuffixModel:
    """One suffix: its channels, by how many seconds its zone lags, and whether its DNS answers for everything.

    `rdap_says_reserved`: whether its RDAP server tells a reserved name from a free one, as WHOIS servers do.
    """

    suffix: str
    rdap: bool = True
    whois: bool = True
    zone_lag: float = 0.0
    wildcard: bool = False
    rdap_says_reserved: bool = False

    @property
    def cycle(self) -> Cycle:
        """How names go here; a suffix without a row goes like a gTLD."""
        return cycle_for(self.suffix) or GTLD

    @property
    def registry(self) -> tuple[str, ...]:
        """The registry channels, the one that is asked first at the front."""
        return tuple(method for method, there in (("rdap", self.rdap), ("whois", self.whois)) if there)

    def procedure(self, *, shown: bool = False) -> Procedure | None:
        """What is between a purge and a free name; `shown`: of two habits of one registry the one that shows it."""
        if rules_for(self.suffix).dropzone:
            return DROPZONE_SHOWN if shown and self.whois else DROPZONE
        tld = self.suffix.rpartition(".")[2]
        return PROCEDURES.get(tld) if rules_for(self.suffix).kind != "private" else None


class ModelDirectory(Directory):
    """Servers of these suffixes alone: the real ones, or test servers, which every budget counts apart."""

    def __init__(self, models: Iterable[SuffixModel], *, real: bool) -> None:
        super().__init__()
        self._models = {model.suffix: model for model in models}
        self._real = real

    def rdap_server(self, suffix: str) -> RdapServer | None:
        """The RDAP server of a suffix that has one."""
        model = self._models.get(suffix)
        if model is None or not model.rdap:
            return None
        real = super().rdap_server(suffix) if self._real else None
        base = f"https://rdap.{suffix}.test/"
        return real or RdapServer(base, host_of(base), listed=True)

    def whois_server(self, suffix: str) -> str | None:
        """The WHOIS server of a suffix that has one."""
        model = self._models.get(suffix)
        if model is None or not model.whois:
            return None
        return (super().whois_server(suffix) if self._real else None) or f"whois.{suffix}.test"

    def das_server(self, _suffix: str) -> str | None:
        """None: these models have no availability services."""
        return None


@cache
def every_model() -> tuple[SuffixModel, ...]:
    """Every suffix with a row in the calendar or a release procedure, and further ones, with the channels they really have."""
    real = Directory()
    suffixes = sorted({*CYCLES, *PROCEDURES, *_FURTHER})
    return tuple(_model(suffix, real) for suffix in suffixes)


def model_of(suffix: str) -> SuffixModel:
    """One of them."""
    return next(model for model in every_model() if model.suffix == suffix)


def purge_minutes(model: SuffixModel) -> tuple[int, int]:
    """Minutes after midnight UTC between which names of a suffix are purged."""
    procedure = model.procedure()
    if procedure is not None and procedure.hour is not None:
        return procedure.hour
    return model.cycle.window if model.cycle.window != ALL_DAY else (60, 1380)


def _model(suffix: str, real: Directory) -> SuffixModel:
    rdap, whois = real.rdap_server(suffix) is not None, real.whois_server(suffix) is not None
    lag = 1800.0 if suffix == "be" else 0.0
    wildcard = rules_for(suffix).wildcard_known
    return SuffixModel(suffix, rdap=rdap, whois=whois or not rdap, zone_lag=lag, wildcard=wildcard)
