"""A registrar beside the registry: it lies in each way, it is all that speaks, or it alone knows what a name costs.

It sells the suffixes of these rows and no others. Each row has a suffix of its own.
"""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.story import Act, Scene
from tests.lab.truth import Truth
from tests.scenarios.dead_channels import FELL_SILENT, KNOWN_DEAD
from tests.scenarios.plot import FREE, Case, Mischief, Scenario, drops

#: The registrar that the product has a key for.
VENDOR = "cloudflare"
#: When names drop, in seconds after the curtain; where both channels died before, this must be known by then.
_LATE, _EARLY = 22.0, 6.0
#: What may be said of a reserved name, with WHOIS or without it.
_KEPT = (State.RESERVED, State.UNREGISTERED, State.UNKNOWN)
_DEAD = (("refused", "reset"), ("silence", "503"), ("throttle", "429"))


def _lies(label: str, lie: str) -> Mischief:
    return Mischief(f"registrar/{VENDOR}/{label}", lie)


def _alone(label: str, whois: str, rdap: str, at: float | None) -> Scenario:
    """Both channels of the registry die, and the registrar goes on."""
    since = "all along" if at is None else "from the drop on"
    within, drop = (KNOWN_DEAD, _LATE) if at is None else (FELL_SILENT, _EARLY)
    return Scenario(
        f"registrar-alone-{label}",
        (f"drop: WHOIS {whois} and RDAP {rdap} {since}, a registrar speaks",),
        (
            drops(f"sudden-name.{label}", drop, priority=True, scene=Scene.HEALTHY, within=within),
            Case(f"held-name.{label}", Scene.HELD),
            Case(f"healthy-name.{label}", Scene.HEALTHY),
        ),
        (Mischief(f"whois/{label}", whois, at=at), Mischief(f"rdap/{label}", rdap, at=at)),
    )


SCENARIOS = (
    Scenario(
        "registrar-says-free",
        ("source: a registrar that calls every name free",),
        (
            drops("dropped-name.monster", _LATE, priority=True, within=KNOWN_DEAD),
            Case("held-name.monster", Scene.HELD, priority=True),
            Case("healthy-name.monster", Scene.HEALTHY, ends=(State.REGISTERED,)),
            Case("deleted-name.monster", Scene.REDEMPTION, ends=(State.REDEMPTION,), priority=True),
            Case("kept-name.monster", Scene.RESERVED, ends=(State.RESERVED,), priority=True),
        ),
        (_lies("monster", "lying-free"),),
    ),
    Scenario(
        "registrar-says-taken",
        ("source: a registrar that calls every name taken",),
        (drops("dropped-name.hair", _LATE, priority=True, within=KNOWN_DEAD), Case("held-name.hair", priority=True)),
        (_lies("hair", "lying-taken"),),
    ),
    Scenario(
        "registrar-says-premium",
        ("source: a registrar that calls every name premium",),
        (drops("dropped-name.skin", _LATE, priority=True, within=KNOWN_DEAD), Case("held-name.skin", priority=True)),
        (_lies("skin", "lying-premium"),),
    ),
    Scenario(
        "registrar-knows-the-price",
        ("drop: premium in the words of an ordinary name",),
        (
            Case(
                "dear-name.motorcycles",
                Scene.LAST_DAY,
                0,
                (Act(_EARLY, "purge", {"then": Truth.PREMIUM}),),
                (State.AVAILABLE_PREMIUM,),
                priority=True,
            ),
            drops("plain-name.motorcycles", _EARLY, priority=True, within=KNOWN_DEAD),
        ),
    ),
    Scenario(
        "registrar-speaks-for-a-new-name",
        ("never registered: WHOIS is shut, a registrar speaks",),
        (
            Case("really-free.beauty", FREE, 1, ends=(State.AVAILABLE,), priority=True),
            Case("really-kept.beauty", Scene.RESERVED, ends=_KEPT, priority=True),
        ),
        (Mischief("whois/expert", "refused"),),
    ),
    *(_alone(label, *_DEAD[number], None) for number, label in enumerate(("autos", "boats", "homes"))),
    *(_alone(label, *_DEAD[number], _EARLY) for number, label in enumerate(("yachts", "college", "makeup"))),
)

#: The suffixes that the registrar sells.
SOLD = frozenset(case.name.rpartition(".")[2] for scenario in SCENARIOS for case in scenario.cases)
