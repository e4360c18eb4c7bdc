"""Each of the biggest suffixes has a row, an honest one where nothing is published, and rows agree with the facts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from common.core.builtin.counted_suffixes import AS_OF, COUNTED, FURTHER, SOURCE, UNPUBLISHED_SUFFIXES
from common.core.builtin.lifecycles import CYCLES, GTLD, NO_DAYS, UNPUBLISHED, cycle_for, row_for
from common.core.builtin.suffix_rules import rules_for

FACTS = Path(__file__).parents[4] / "shared" / "facts" / "lifecycle_by_tld.json"
#: Rows that a newer publication corrected, or where the facts count a phase into another.
CORRECTED = {"de", "nz", "ru", "su", "xn--p1ai", "es", "ee"}


def test_the_list_is_whole_in_order_and_names_its_source() -> None:
    """A hundred at least, each once."""
    assert len(COUNTED) + len(FURTHER) >= 100
    assert FURTHER.isdisjoint(COUNTED)
    assert list(COUNTED.values()) == sorted(COUNTED.values(), reverse=True)
    assert "Common Crawl" in SOURCE
    assert re.fullmatch(r"\d{4}-\d\d", AS_OF)


@pytest.mark.parametrize("suffix", sorted({*COUNTED, *FURTHER}))
def test_each_of_the_counted_suffixes_has_a_row(suffix: str) -> None:
    """Its own, that of the gTLDs, or the one that says that nothing is published: never one by chance."""
    row = row_for(suffix)
    if suffix in UNPUBLISHED_SUFFIXES:
        assert row is UNPUBLISHED
        assert suffix not in CYCLES
        assert cycle_for(suffix) is None
    elif suffix in CYCLES:
        assert row is CYCLES[suffix]
    else:
        assert row is GTLD
        assert rules_for(suffix).kind != "cctld" or rules_for(suffix).dropzone


def test_a_row_without_figures_says_so() -> None:
    """Nothing in it can be taken for one."""
    assert (UNPUBLISHED.grace, UNPUBLISHED.redemption, UNPUBLISHED.pending) == (NO_DAYS, NO_DAYS, None)
    assert UNPUBLISHED.sure <= 0.1
    assert "observed transitions only" in UNPUBLISHED.source
    assert UNPUBLISHED.words == ()
    assert all(row.published for row in CYCLES.values())
    assert {*COUNTED, *FURTHER} >= UNPUBLISHED_SUFFIXES


@pytest.mark.skipif(not FACTS.exists(), reason="the facts are not beside the project")
def test_rows_agree_with_the_facts_that_they_were_made_from() -> None:
    """The days of each phase, unless something newer corrected them."""
    compared = 0
    for fact in json.loads(FACTS.read_text())["tlds"]:
        for suffix in fact["tlds"]:
            if not re.fullmatch(r"[a-z0-9.-]+", suffix) or not fact["phases"] or suffix.rpartition(".")[2] in CORRECTED:
                continue
            assert differing_phases(suffix, fact["phases"]) == {}, suffix
            compared += 1
    assert compared >= 40


def differing_phases(suffix: str, phases: list[dict[str, Any]]) -> dict[str, Any]:
    """Where the row of a suffix has other days than these phases say."""
    row = row_for(suffix)
    said = {phase["phase"]: tuple(phase["days"]) for phase in phases}
    ours = {"expired_grace": row.grace, "redemption": row.redemption, "pending_delete": row.pending}
    return {phase: (days, ours[phase]) for phase, days in said.items() if phase in ours and ours[phase] != days}
