"""Honest drops, one alarm each, by the kind of suffix; and names that were free all along."""

from __future__ import annotations

from common.core.model.states import State
from tests.lab.story import Act, Scene
from tests.scenarios.plot import FREE, Case, Scenario, drops

SCENARIOS = (
    Scenario(
        "drop-gtld",
        ("drop: RDAP and WHOIS",),
        (
            drops("amber-falls.com", 5, priority=True),
            drops("copper-lantern.com", 13),
            drops("open-meadow.org", 8),
            drops("paper-boat.cc", 11),
        ),
    ),
    Scenario(
        "drop-rdap-only", ("drop: RDAP only",), (drops("small-cluster.dev", 6), drops("tidy-queue.dev", 12, priority=True))
    ),
    Scenario(
        "drop-second-and-third-level",
        ("drop: third level",),
        (
            drops("tea-and-rain.co.uk", 7, priority=True),
            drops("brick-lane-bikes.co.uk", 15),
            drops("north-pier.uk", 9),
            Case("north-pier.co.uk", Scene.HEALTHY, ends=(State.REGISTERED,)),
        ),
    ),
    Scenario(
        "drop-after-redemption-only",
        ("drop: straight after redemption",),
        (drops("stille-post.de", 7, priority=True), drops("kleine-werft.de", 14)),
    ),
    Scenario(
        "drop-without-warning",
        ("drop: deleted in the add grace period",),
        (drops("gone-at-once.com", 6, priority=True, scene=Scene.HEALTHY),),
    ),
    Scenario(
        "drop-twice",
        ("drop: caught and dropped again",),
        (
            Case(
                "caught-and-left.org",
                Scene.LAST_DAY,
                1,  # the second one is due after the quiet quarter of an hour that a contradiction costs
                (Act(4, "purge"), Act(13, "catch"), Act(22, "purge")),
                (),
                (State.AVAILABLE, State.REGISTERED),
                priority=True,
            ),
        ),
    ),
    Scenario("free-all-along", ("drop: never registered",), (Case("nobody-ever.com", FREE, 1, ends=(State.AVAILABLE,)),)),
)
