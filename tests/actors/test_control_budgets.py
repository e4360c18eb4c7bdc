"""POST /budgets/OPERATOR/reset."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from common.core.model.limit import Limit
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.saved import encode_saved
from tests.actors.control_lab import NOW, Lab, serving


def learned(operator: str) -> str:
    """What the store keeps of an operator whose day is counted."""
    budgets = Budgets()
    budgets.take_token(Limit(operator, 1.0, 1, 10), "default", NOW)
    return encode_saved(budgets.take_saved())


@pytest.mark.parametrize("path", ["rdap/verisign", "rdap%2Fverisign", "RDAP/Verisign", "whois/127.0.0.1:4343"])
def test_an_operator_that_is_known_is_reset(path: str, tmp_path: Path) -> None:
    """By what the coordinator shows or what the store keeps, with its slash as it is or escaped."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.speak(budgets=[{"operator": "rdap/verisign"}, "garbage"])
            lab.reader.noted["budgets"] = learned("whois/127.0.0.1:4343")
            operator = path.replace("%2F", "/").lower()
            assert await lab.post(f"/budgets/{path}/reset") == (202, {"accepted": True, "operator": operator})
            assert lab.coordinator.taken == [("reset_budget", operator)]

    asyncio.run(story())


@pytest.mark.parametrize("shown", [None, "garbage", [{"operator": "rdap/verisign"}]])
def test_an_operator_that_was_never_asked_is_not_found(shown: object, tmp_path: Path) -> None:
    """A slip of the pen is answered, and the coordinator hears nothing of it."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            if shown is not None:
                lab.speak(budgets=shown)
            status, problem = await lab.post("/budgets/rdap/verising/reset")
            assert (status, problem["code"]) == (404, "unknown_operator")
            assert lab.coordinator.taken == []

    asyncio.run(story())


def test_the_reset_needs_the_token(tmp_path: Path) -> None:
    """As the other changing calls."""

    async def story() -> None:
        async with serving(Lab(tmp_path, CONTROL_TOKEN="right-token-0123456789")) as lab:
            lab.speak(budgets=[{"operator": "rdap/verisign"}])
            assert (await lab.post("/budgets/rdap/verisign/reset"))[0] == 401
            granted = await lab.post("/budgets/rdap/verisign/reset", Authorization="Bearer right-token-0123456789")
            assert granted[0] == 202

    asyncio.run(story())


def test_the_reset_is_described(tmp_path: Path) -> None:
    """One operation with its parameter, its token and its 404."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            operation = (await lab.get("/openapi.json"))[1]["paths"]["/budgets/{operator}/reset"]["post"]
            assert [parameter["name"] for parameter in operation["parameters"]] == ["operator"]
            assert {"202", "404", "503"} <= set(operation["responses"])
            assert operation["security"] == [{}, {"controlToken": []}, {"password": []}]

    asyncio.run(story())
