"""`domain-monitor check --methods registrar`, run as a process against the lab, and its table."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.cli import check_text
from actors.cli.registrar_offers import Answered, RegistrarOffers
from actors.cli.registrar_report import no_offers, render_offers, report_name, report_no_name
from common.core.builtin.registrars import BY_VENDOR, REGISTRARS
from common.core.model.evidence import Observation, Offer, Outcome, Reading
from common.core.model.methods import is_registrar
from common.core.rate_limits.budgets import Budgets
from common.core.registries.sources import Source
from tests.actors.test_check import Run, command
from tests.actors.test_registrar_offers import Registrar
from tests.lab.lab import Lab
from tests.lab.truth import Truth

NAMES = ("brand-new.com", "taken.com", "dear.com")
ORDERS: dict[str, tuple[str, ...]] = {
    "text": ("--methods", "registrar", *NAMES, "com"),
    "json": ("--json", "--methods", "registrar", *NAMES),
    "one": ("--json", "--methods", "registrar:cloudflare", "brand-new.com"),
    "mixed": ("--json", "--methods", "dns,rdap,whois,registrar", "brand-new.com", "taken.com"),
    "mixed text": ("--methods", "dns,registrar", "taken.com"),
    "without": ("--methods", "dns", "taken.com"),
}


async def perform(directory: Path) -> tuple[dict[str, Run], list[tuple[str, ...]], list[str]]:
    """Every run, one after the other, against one lab; the calls of the first registrar, and the methods of all."""
    async with Lab.start() as lab:
        lab.registrars.enable()
        lab.registry.register("taken.com", age_years=3)
        lab.registry.withhold("dear.com", Truth.PREMIUM)
        await lab.settle()
        environment = lab.environment() | {"STATE_DIR": str(directory)}
        runs = {name: await command(arguments, environment) for name, arguments in ORDERS.items()}
        return runs, lab.registrars.emulators["cloudflare"].calls, list(lab.registrars.emulators)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Run], list[tuple[str, ...]], list[str]]:
    """The runs by name, the calls, the vendors."""
    return asyncio.run(perform(tmp_path_factory.mktemp("registrars")))


Played = tuple[dict[str, Run], list[tuple[str, ...]], list[str]]


def test_every_registrar_is_shown_side_by_side_with_its_price(played: Played) -> None:
    """A line for each; the cheapest definitive offer stands below."""
    runs, _, vendors = played
    reports = runs["json"].reports()
    rows = {row["vendor"]: row for row in reports["brand-new.com"]["registrars"]}

    assert set(rows) == set(vendors)
    assert rows["cloudflare"] == rows["cloudflare"] | {
        "says": "can be created", "definitive": True, "price": "10.44", "currency": "USD", "premium": False, "years": 1,
    }  # fmt: skip
    cheapest = reports["brand-new.com"]["cheapest"]
    assert Decimal(cheapest[-1]["price"]) <= Decimal("10.44")
    assert all("says" in row and row["age"] is not None for row in rows.values())


def test_a_taken_name_and_a_premium_one_are_told_apart(played: Played) -> None:
    """Both are decided: a registrar that asked the registry has spoken."""
    reports = played[0]["json"].reports()
    taken, dear = ({row["vendor"]: row for row in reports[name]["registrars"]}["cloudflare"] for name in NAMES[1:])

    assert (taken["creatable"], taken["definitive"], reports["taken.com"]["cheapest"]) == (False, True, [])
    assert (dear["says"], dear["creatable"]) == ("premium", True)
    assert all(report["decided"] for report in reports.values())


def test_several_names_go_into_one_call(played: Played) -> None:
    """As many as the registrar takes, whatever the number of names."""
    assert played[1][0] == NAMES


def test_the_exit_code_says_whether_every_name_is_decided(played: Played) -> None:
    """What is no name is not."""
    codes = {name: run.code for name, run in played[0].items()}

    assert codes == {"text": 3, "json": 0, "one": 0, "mixed": 0, "mixed text": 0, "without": 0}


def test_the_table_fits_a_page(played: Played) -> None:
    """With the name, the words, the price and a summary."""
    out = played[0]["text"].out
    block = played[0]["text"].block("brand-new.com")

    assert max(map(len, out.splitlines())) <= 100
    assert "registrars asked" in block.splitlines()[0]
    assert "  cloudflare   can be created    yes        10.44 USD list         10.44 USD" in block
    assert "  cheapest  " in block
    assert "before taxes" in block
    assert "com  public_suffix" in out
    assert "cannot be asked for" in out


def test_one_registrar_can_be_asked_alone(played: Played) -> None:
    """By its vendor."""
    (report,) = played[0]["one"].reports().values()

    assert [row["vendor"] for row in report["registrars"]] == ["cloudflare"]


def test_the_json_has_the_same_keys_for_every_name(played: Played) -> None:
    """Also for what is no name; the verdict's keys come with other methods."""
    (keys,) = {tuple(report) for report in played[0]["json"].reports().values()}
    (row_keys,) = {tuple(row) for report in played[0]["json"].reports().values() for row in report["registrars"]}

    assert keys == tuple(report_no_name("x", "code", "reason"))
    assert "price" in row_keys


def test_prices_stand_beside_a_verdict(played: Played) -> None:
    """Whatever the core found necessary, every registrar is asked about every name, in one call."""
    reports = played[0]["mixed"].reports()

    assert {name: report["state"] for name, report in reports.items()} == {
        "brand-new.com": "AVAILABLE",
        "taken.com": "REGISTERED",
    }
    assert reports["brand-new.com"]["cheapest"]
    assert {row["vendor"] for row in reports["taken.com"]["registrars"]} == set(played[2])
    assert reports["taken.com"]["not_asked"].get("registrar:cloudflare") == (
        "answered among the offers, not needed for the verdict"
    )
    assert "=> registered" in played[0]["mixed text"].out
    assert "cheapest  no offer" in played[0]["mixed text"].out


def test_no_registrar_is_asked_unless_it_is_named(played: Played) -> None:
    """Answers may cost money."""
    assert f"  {len(played[2])} registrars not asked: only where named by --methods\n" in played[0]["without"].out
    assert "cheapest" not in played[0]["without"].out


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        ("registrar", "no registrar is configured"),
        ("registrar", "gandi needs GANDI_TOKEN"),
        ("registrar,dns", "domain-monitor sources"),
        ("registrar:gandi", "registrar:gandi is not configured: GANDI_TOKEN must be set"),
        ("registrar:nobody", "unknown method: registrar:nobody"),
        ("epp", "epp is not configured (EPP_ACCOUNTS); `domain-monitor sources`"),
        ("dns,epp", "epp is not configured (EPP_ACCOUNTS)"),
    ],
)
def test_without_settings_the_missing_ones_are_named(methods: str, said: str, tmp_path: Path) -> None:
    """With the command that lists all of them; exit code 2."""
    run = asyncio.run(command(("--methods", methods, "a.com"), {"STATE_DIR": str(tmp_path)}))

    assert (run.code, run.out) == (2, "")
    assert said in run.err
    assert all(row.vendor in run.err for row in REGISTRARS) or methods.partition(",")[0] != "registrar"


def test_a_slow_registrar_is_told_before_it_is_asked(tmp_path: Path) -> None:
    """One line on standard error, beside a verdict too; the reports are as ever."""

    async def story() -> list[Run]:
        async with Lab.start() as lab:
            lab.registrars.enable("porkbun", "gandi")
            budgets = json.loads((lab.directory / "budgets.json").read_text())
            (tmp_path / "slow.json").write_text(json.dumps(budgets | {"registrar/porkbun": {"rate": 0.001, "burst": 1}}))
            environment = lab.environment() | {"STATE_DIR": str(tmp_path), "BUDGETS_FILE": str(tmp_path / "slow.json")}
            return [
                await command(("--json", "--methods", methods, "a-1.com", "a-2.com"), environment)
                for methods in ("registrar", "dns,registrar")
            ]

    runs = asyncio.run(story())
    told = "domain-monitor: porkbun: 1 name in 17 min, about 1 of 2 fit\n"
    assert [run.err for run in runs] == [told, told]
    assert [len(run.reports()) for run in runs] == [2, 2]


def test_a_refusing_registrar_is_told_with_its_reason(tmp_path: Path) -> None:
    """No name is decided by it: exit code 3; the key shows nowhere."""

    async def story() -> tuple[Run, list[str]]:
        async with Lab.start() as lab:
            lab.registrars.enable("cloudflare")
            lab.faults.add("registrar/cloudflare", "401")
            environment = lab.environment() | {"STATE_DIR": str(tmp_path)}
            return await command(("--methods", "registrar", "a.com"), environment), lab.registrars.secrets()

    run, secrets = asyncio.run(story())
    assert run.code == 3
    assert "key refused" in run.out
    assert "HTTP 401" in run.out
    assert "no answer is definitive" in run.out
    assert not [secret for secret in secrets if secret in run.out + run.err]


# -- the report ----------------------------------------------------------------------------------------------------------


def offers_of(*answers: tuple[str, Answered], proof: bool = True) -> RegistrarOffers:
    """Answers of registrars about one name, as if they had come."""
    sources = [Source(method=f"registrar:{vendor}", url="https://x.example", proof=proof) for vendor, _ in answers]
    checkers = {source.method: Registrar(source.method) for source in sources}
    offers = RegistrarOffers(sources, checkers, Budgets(), {})
    offers.expect({"a.com": "com"})
    for source, (_, answered) in zip(sources, answers, strict=True):
        offers._note(source, "a.com", answered)
    return offers


def answer(
    vendor: str, price: str | None, currency: str = "USD", *, premium: bool | None = False, years: int = 1
) -> tuple[str, Answered]:
    """A registrar that can create the name."""
    offer = Offer(premium=premium, price=None if price is None else Decimal(price), currency=currency, years=years)
    reading = Reading(
        Outcome.PREMIUM if premium else Outcome.UNREGISTERED,
        "registrar_premium" if premium else "registrar_available_live",
        "the registrar can create it",
        offer=offer,
    )
    return vendor, Answered(Observation(f"registrar:{vendor}", reading, duration_ms=12.3, status=200), 100.0)


TAKEN = Answered(
    Observation("registrar:gandi", Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "it cannot create it")), 100.0
)


def report(*answers: tuple[str, Answered], proof: bool = True) -> dict[str, Any]:
    """The report on that name, three seconds later."""
    return report_name(offers_of(*answers, proof=proof), "a.com", "com", 103.0, 1.0)


def test_prices_are_exact_text() -> None:
    """Neither a rounding nor an exponent."""
    (row,) = report(answer("gandi", "1E+3"))["registrars"]

    assert (row["price"], row["age"], row["duration_ms"], row["status"]) == ("1000", 3.0, 12.3, 200)
    json.dumps(row)


def test_the_summary_names_the_cheapest_in_each_currency() -> None:
    """With what kind of price it is."""
    lines = list(render_offers(report(answer("gandi", "12.00", "EUR"), answer("namecom", "2500.00", premium=True))))

    assert lines[-2:] == [
        "  cheapest  12.00 EUR at Gandi (list price, before taxes)",
        "  cheapest  2500.00 USD at Name.com (premium price, before taxes)",
    ]
    assert "12.00 EUR list" in lines[1]
    assert "2500.00 USD premium" in lines[2]
    assert "3 s ago, 12 ms" in lines[1]


@pytest.mark.parametrize(
    ("answers", "proof", "said"),
    [
        ([answer("gandi", None)], True, "it can be created, no definitive answer names a price"),
        ([("gandi", TAKEN)], True, "no offer: every definitive answer says that it cannot be created now"),
        ([answer("gandi", "12.00")], False, "no offer: no answer is definitive"),
        ([("gandi", Answered(reason="x"))], True, "no offer: no answer is definitive"),
    ],
)
def test_without_a_cheapest_offer_the_summary_says_why(answers: list[tuple[str, Answered]], proof: bool, said: str) -> None:
    """No price, a definitive no, or nothing definitive."""
    found = report(*answers, proof=proof)

    assert list(render_offers(found))[-1] == f"  cheapest  {said}"
    assert found["cheapest"] == []
    assert found["decided"] is (proof and answers[0][1].observation is not None)


def test_a_registrar_that_was_not_asked_has_its_reason_and_the_same_keys() -> None:
    """Nothing is invented for it."""
    found = report(answer("gandi", "12.00"), ("namecom", Answered(reason="the time was up")))
    asked, silent = found["registrars"]

    assert asked.keys() == silent.keys()
    assert (silent["says"], silent["reason"], silent["definitive"], silent["price"]) == (
        "not asked",
        "the time was up",
        False,
        None,
    )
    lines = list(render_offers(found))
    assert lines[2].rstrip().endswith("not asked")
    assert lines[3] == "    the time was up"


def test_a_price_for_several_years_says_so() -> None:
    """It is no price of a year."""
    lines = list(render_offers(report(answer("gandi", "90.00", years=10, premium=None))))

    assert "90.00 USD for 10 years" in lines[1]


def test_a_sandbox_is_marked() -> None:
    """What it offers is no offer."""
    found = report(answer("gandi", "12.00"), proof=False)

    assert found["registrars"][0]["sandbox"] is True
    assert found["registrars"][0]["definitive"] is False
    assert list(render_offers(found))[2] == "    sandbox: proves nothing; the registrar can create it"


def test_a_long_vendor_name_keeps_the_columns_apart() -> None:
    """All lines move with it."""
    found = report(answer("gandi", "12.00"), answer("namecom", "13.00"))
    found["registrars"][1]["vendor"] = "realtimeregister"
    heading, first, second = list(render_offers(found))[:3]

    assert second.startswith("  realtimeregister can be created")
    assert heading.index("says") == first.index("can be created") == second.index("can be created")


def test_hostile_words_stay_text_and_lines_stay_short() -> None:
    """Whatever a vendor says."""
    reading = Reading(Outcome.UNKNOWN, "registrar_error", "\x1b[31m" + "x" * 280)
    found = report(("gandi", Answered(Observation("registrar:gandi", reading), 100.0)))
    lines = check_text.render_report(found, colour=False)

    assert "\x1b" not in "".join(lines)
    assert max(map(len, lines)) <= 100


def test_a_report_without_registrars_has_their_keys() -> None:
    """Programs need not ask whether they are there."""
    assert no_offers() == {"registrars": [], "cheapest": []}
    assert all(is_registrar(row.method) and BY_VENDOR[row.vendor] is row for row in REGISTRARS)
