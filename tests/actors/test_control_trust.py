"""Which servers are trusted and which were right, as the control interface shows it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from common import codec
from common.core.audit.accuracy import Accuracy
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Canary, Detail, Evidence
from common.core.telemetry.metrics import Metrics
from tests.actors.control_lab import NOW, Lab, domain_row, serving

GAP = {"suffix": "zz", "since": NOW - 900, "names": 3, "servers": [], "remedy": "CANARIES_FILE has to list names"}

SILENT = {
    "method": "whois",
    "server": "whois.example",
    "suffix": "zz",
    "silent_since": NOW - 900,
    "dead": True,
    "answers": 7,
    "reason": "refused the connection",
}


def status_of_trust() -> dict[str, Any]:
    """A coordinator's status with one proven and one lying server, an operator that is left alone, and some counts."""
    accuracy, metrics = Accuracy(), Metrics(NOW)
    accuracy.count_answer(("rdap", "rdap.example", "com"), metrics, NOW, right=True)
    accuracy.count_answer(("whois", "whois.example", "com"), metrics, NOW, right=False)
    metrics.count("canaries", 2, method="rdap", result="ok")
    metrics.count("quarantines", 1, method="whois")
    row = {"suffix": "com", "registered_ok": NOW, "free_ok": NOW}
    operator = {"operator": "verisign", "egress": "default", "rate": 0.5, "tokens": 2.0, "used_today": 7}
    return {
        "trust": [
            {"method": "rdap", "server": "rdap.example", "green": True, **row},
            {"method": "whois", "server": "whois.example", "green": False, **row},
        ],
        "budgets": [
            {**operator, "blocked_until": None},
            {**operator, "operator": "denic", "blocked_until": NOW + 60},
        ],
        "trust_gaps": [GAP],
        "channels": [SILENT],
        "channels_dead": {"dns": 0, "rdap": 0, "whois": 1},
        "accuracy": accuracy.to_plain(),
        "metrics": metrics.snapshot(),
    }


def test_trust_budgets_and_accuracy_are_metrics(tmp_path: Path) -> None:
    """For alerts: trusted and wrong servers, blocked operators, suffixes without a working canary, dead channels."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.all_beat()
            lab.speak(**status_of_trust())
            async with lab.http.get(lab.url + "/metrics/prometheus") as answer:
                text = await answer.text()

            for line in (
                'server_trusted{method="rdap",server="rdap.example",suffix="com"} 1',
                'server_trusted{method="whois",server="whois.example",suffix="com"} 0',
                'operator_rate{egress="default",operator="verisign"} 0.5',
                'operator_blocked{egress="default",operator="verisign"} 0',
                'operator_blocked{egress="default",operator="denic"} 1',
                "trust_gaps 1",
                'trust_gap_names{suffix="zz"} 3',
                'channels_dead{method="whois"} 1',
                'channels_dead{method="rdap"} 0',
                'canaries_total{method="rdap",result="ok"} 2',
                'quarantines_total{method="whois"} 1',
                'answers_confirmed_total{method="rdap",server="other",suffix="other"} 1',
                'answers_contradicted_total{method="whois",server="whois.example",suffix="com"} 1',
            ):
                assert f"domain_monitor_{line}\n" in text

    asyncio.run(story())


def test_the_status_shows_accuracy_and_gaps_of_trust(tmp_path: Path) -> None:
    """Accuracy, the gaps of trust and silent channels are part of what the coordinator says about itself."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.all_beat()
            lab.speak(**status_of_trust())
            shown = (await lab.get("/status"))[1]["coordinator"]

            assert shown["trust_gaps"] == [GAP]
            assert shown["channels"] == [SILENT]
            assert shown["accuracy"]["alarms"]["precision"] is None
            assert [row["server"] for row in shown["accuracy"]["servers"]] == ["whois.example", "rdap.example"]
            assert shown["accuracy"]["methods"][0] == {"method": "rdap", "confirmed": 1, "contradicted": 0, "share": 0.75}

    asyncio.run(story())


def test_a_name_shows_the_canary_of_each_answer(tmp_path: Path) -> None:
    """Whether the server was green, whether a known name was found after the answer, and when; a record needs no canary."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            free = Reading(Outcome.UNREGISTERED, "rdap_404_json", "no such object")
            owned = Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
            detail = Detail(
                evidence={
                    "rdap": Evidence(Observation("rdap", free), NOW, NOW, Canary(NOW + 1, NOW - 9, green=True)),
                    "whois": Evidence(Observation("whois", free), NOW, NOW, Canary(NOW - 1, green=False)),
                    "dns": Evidence(Observation("dns", owned), NOW, NOW),
                }
            )
            lab.reader.rows = [domain_row(detail=codec.encode(detail))]
            evidence = (await lab.get("/domain/example.com"))[1]["evidence"]

            assert evidence["rdap"]["canary"] == {
                "registered_ok": NOW + 1,
                "free_ok": NOW - 9,
                "green": True,
                "bracketed": True,
            }
            assert evidence["whois"]["canary"] == {
                "registered_ok": NOW - 1,
                "free_ok": None,
                "green": False,
                "bracketed": False,
            }
            assert evidence["dns"]["canary"] is None

    asyncio.run(story())
