"""A refusal is forgotten at the start that brings another key, and at no other."""

from __future__ import annotations

import pytest

from common.core.model.effects import Effects, LogLine
from common.core.model.limit import Limit
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.credentials import decode_digests, encode_digests, find_changed, merge_digests
from common.core.rate_limits.rate_limits import RateLimits
from common.core.rate_limits.saved import Saved, decode_saved, encode_saved
from common.core.registries.directory import Directory
from common.core.registries.registries import Registries
from common.core.registries.sources import Source, Sources
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Workers
from tests.core.rate_limits.answers import BANNED, CLEAN, throttled

NOW = 1_790_000_000.0
GANDI = Limit("registrar/gandi", 1.0, 1, 100)
REFUSED = Saved(NOW + 21_600, 0.25, "forbidden: our key is refused", complaints=3, banned=1.0, day=int(NOW // 86_400), used=7)
THROTTLED = Saved(NOW + 600, 0.25, "throttled: slow down", complaints=3)


class Start:
    """A start with a digest of the credentials of a registrar, and of an EPP account for each of `epp`."""

    def __init__(self, digest: str, *epp: str) -> None:
        self.effects = Effects()
        accounts = [Source(method="epp", url="epp.example:700", suffixes=(each,), credentials=each) for each in epp]
        registrar = Source(method="registrar:gandi", url="https://api.gandi.net", credentials=digest)
        self.registries = Registries(
            directory=Directory(), overrides={}, recursive_dns=False, iana_host="", sources=Sources((registrar, *accounts))
        )
        self.limits = RateLimits(self.registries, Workers("boot"), Telemetry(self.effects, NOW), 3600.0)

    def restore(self, rows: dict[str, Saved], credentials: str) -> dict[str, Saved]:
        """What is known after a restart, and stored."""
        self.limits.restore_learned(encode_saved(rows), credentials)
        changed, kept = self.limits.budgets.changed, self.limits.budgets.take_saved()
        assert changed == (kept != rows)
        return kept


def test_another_key_ends_the_pause_that_a_refusal_began() -> None:
    """With all that it taught, from every egress; the count of the day stays, and a line of the log says so."""
    rows = {"registrar/gandi|a": REFUSED, "registrar/gandi|b": THROTTLED, "registrar/ovh|a": REFUSED}
    rows["registrar/gandi|c"] = Saved(NOW + 9, 0.25, "forbidden: x")
    start = Start("new")
    kept = start.restore(rows, encode_digests({"registrar/gandi": "old"}))

    assert kept.keys() == {"registrar/gandi|a", "registrar/gandi|b", "registrar/ovh|a"}
    assert (kept["registrar/gandi|b"], kept["registrar/ovh|a"]) == (THROTTLED, REFUSED)
    assert start.limits.budgets.take_token(GANDI, "a", NOW)
    assert start.limits.budgets.learned_rate(GANDI, "a", NOW) == 1.0
    assert start.limits.budgets.snapshot(NOW)[0]["used_today"] == 8
    lines = [effect for effect in start.effects.take_planned() if isinstance(effect, LogLine)]
    assert [(line.event, line.fields["operator"], line.fields["egress"]) for line in lines] == [
        ("refusal_forgotten", "registrar/gandi", "a"),
        ("refusal_forgotten", "registrar/gandi", "c"),
    ]


@pytest.mark.parametrize(
    ("digest", "credentials"),
    [
        ("same", encode_digests({"registrar/gandi": "same"})),
        ("new", ""),
        ("new", "{broken"),
        ("new", "[" * 100_000),
        ("new", encode_digests({"registrar/ovh": "old"})),
        ("", encode_digests({"registrar/gandi": "old"})),
    ],
)
def test_the_same_key_or_one_of_which_nothing_is_known_ends_no_pause(digest: str, credentials: str) -> None:
    """Also where the digests of before were never stored, or the salt cannot be read."""
    rows = {"registrar/gandi|a": REFUSED}

    assert Start(digest).restore(rows, credentials) == rows


def test_digests_are_stored_once_when_they_changed() -> None:
    """Those of operators without a source stay while something is known of them: their key may come back as another one."""
    start = Start("new")
    assert start.limits.take_digests() is None
    before = {"registrar/gandi": "old", "registrar/ovh": "kept", "registrar/inwx": "dropped"}
    start.restore({"registrar/ovh|a": REFUSED}, encode_digests(before))
    text = start.limits.take_digests()
    assert text is not None
    assert decode_digests(text) == {"registrar/gandi": "new", "registrar/ovh": "kept"}
    assert start.limits.take_digests() is None

    start.restore({"registrar/ovh|a": REFUSED}, text)
    assert start.limits.take_digests() is None


def test_an_operator_has_the_digests_of_all_its_accounts() -> None:
    """In whatever order they are configured; a source without a digest has none."""
    one, other = (Start("", *suffixes).registries.credential_digests() for suffixes in (("a", "b"), ("b", "a")))

    assert one == other == {"epp/epp.example": "a b"}
    assert Start("x", "a").registries.credential_digests() == {"registrar/gandi": "x", "epp/epp.example": "a"}


def test_the_operator_of_a_source_is_that_of_its_budget() -> None:
    """A row of the budgets file for its host gives it a bucket of its own."""
    registries = Start("x").registries
    (gandi,) = registries.sources.all_sources()
    assert registries.operator_of_source(gandi) == registries.limit_of("registrar:gandi", "", "").operator == "registrar/gandi"
    registries.overrides = {"epp.example:700": Limit("epp.example:700", 1.0, 1)}

    account = Source(method="epp", url="epp.example:700")
    assert registries.operator_of_source(account) == registries.limit_of("epp", "epp.example", "uk").operator


def test_changes_are_about_operators_that_had_credentials_and_have_others() -> None:
    """Not about new ones."""
    assert find_changed({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "3"}) == {"b"}
    assert merge_digests({"a": "1", "b": "1"}, {"b": "2"}, decode_saved('{"a|x": [0, 1]}')) == {"a": "1", "b": "2"}


def test_an_operator_refuses_us_while_every_egress_is_refused() -> None:
    """By its last word: a rate limit is no refusal, and an answer or a reset ends it. The time of a reset is kept."""
    budgets, other = Budgets(), Limit("registrar/ovh", 1.0, 1)
    budgets.note_answer(GANDI, "a", BANNED, NOW)
    budgets.note_answer(other, "a", throttled(), NOW)
    assert budgets.refusing_operators() == {"registrar/gandi"}
    budgets.note_answer(GANDI, "b", CLEAN, NOW)
    assert budgets.refusing_operators() == set()
    budgets.note_answer(GANDI, "b", BANNED, NOW + 1)
    assert budgets.refusing_operators() == {"registrar/gandi"}
    assert budgets.reset_times == {}
    assert budgets.reset_operator("registrar/gandi", NOW + 2)
    assert not budgets.reset_operator("registrar/none", NOW + 2)

    assert budgets.refusing_operators() == set()
    assert budgets.reset_times == {"registrar/gandi": NOW + 2}
    budgets.note_answer(other, "a", BANNED, NOW + 1000, NOW + 1000)
    budgets.note_answer(other, "a", CLEAN, NOW + 9000, NOW + 9000)
    assert budgets.refusing_operators() == set()
