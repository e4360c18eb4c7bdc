"""The EPP checker against the lab's registries."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from actors.checkers.intermediate.epp import create
from common.core.model.evidence import Observation, Offer, Outcome, Phase
from tests.checkers.support import context, task
from tests.lab.lab import Lab

NAMES = ("used.org", "kept.org", "gold.org", "free.org", "used.uk", "late.uk", "gone.co.uk", "free.uk")


def ask(prepare, *domains: str, budget_ms: int = 20_000) -> list[Observation]:
    """The observations of one call in a lab that was prepared."""

    async def main() -> list[Observation]:
        async with Lab.start() as lab:
            lab.epp_enabled = True
            prepare(lab)
            checker = create(context(lab.environment()))
            try:
                return await checker.check_batch([task("epp", domain, budget_ms=budget_ms) for domain in domains])
            finally:
                await checker.close()

    return asyncio.run(main())


def furnish(lab: Lab) -> None:
    """Names in every state."""
    for name in ("used.org", "used.uk", "late.uk", "gone.co.uk"):
        lab.registry.register(name)
    lab.registry.reserve("kept.org")
    lab.registry.premium("gold.org")
    lab.registry.delete("late.uk")
    lab.registry.delete("gone.co.uk")
    lab.registry.pending_delete("gone.co.uk")


def test_every_state_of_a_name_is_seen() -> None:
    """Of two registries, in one call."""
    found = dict(zip(NAMES, ask(furnish, *NAMES), strict=True))

    assert {name: (each.reading.outcome, each.reading.finding) for name, each in found.items()} == {
        "used.org": (Outcome.REGISTERED, "epp_in_use"),
        "kept.org": (Outcome.RESERVED, "epp_reserved"),
        "gold.org": (Outcome.PREMIUM, "epp_premium"),
        "free.org": (Outcome.UNREGISTERED, "epp_available"),
        "used.uk": (Outcome.REGISTERED, "epp_in_use"),
        "late.uk": (Outcome.REGISTERED, "epp_redemption"),
        "gone.co.uk": (Outcome.REGISTERED, "epp_pending_delete"),
        "free.uk": (Outcome.UNREGISTERED, "epp_available"),
    }
    assert found["free.org"].reading.offer == Offer(premium=False, price=Decimal("8.50"), currency="EUR")
    assert found["gold.org"].reading.offer == Offer(premium=True, price=Decimal(2500), currency="EUR")
    assert found["late.uk"].reading.phase is Phase.REDEMPTION
    assert found["gone.co.uk"].reading.phase is Phase.PENDING_DELETE


@pytest.mark.parametrize(
    ("fault", "findings"),
    [
        ("wrong-name", ("epp_missing", "epp_in_use")),
        ("partial", ("epp_missing", "epp_in_use")),
        ("garbage", ("epp_error", "epp_error")),
        ("huge", ("epp_error", "epp_error")),
        ("wrong-length", ("epp_error", "epp_error")),
        ("cut", ("epp_error", "epp_error")),
        ("reset", ("epp_error", "epp_error")),
        ("bomb", ("epp_error", "epp_error")),
        ("failed", ("epp_error", "epp_error")),
        ("silence", ("epp_timeout", "epp_timeout")),
        ("throttle", ("epp_throttled", "epp_throttled")),
        ("login-refused", ("epp_refused", "epp_refused")),
        ("session-limit", ("epp_throttled", "epp_throttled")),
    ],
)
def test_a_registry_that_misbehaves_proves_nothing(fault: str, findings: tuple[str, str]) -> None:
    """Neither about a free name nor about a registered one, beyond what it says of that one."""

    def prepare(lab: Lab) -> None:
        lab.registry.register("used.org")
        about = ["free.org"] if fault in {"wrong-name", "partial"} else []
        lab.faults.add("epp/org", fault, names=about)

    found = ask(prepare, "free.org", "used.org", budget_ms=1500 if fault == "silence" else 20_000)

    assert tuple(each.reading.finding for each in found) == findings
    assert {each.reading.outcome for each in found} <= {Outcome.UNKNOWN, Outcome.THROTTLED, Outcome.REGISTERED}
