"""What docs/scale.md shows is what the model says, and the bill adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench import longlist, longlist_units, records, scale, scale_costs, scale_picture, scale_text
from tests.bench.scale_bill import FREE, coordinator_cores, make_bill, most_names, zone_lines
from tests.bench.scale_costs import Costs
from tests.bench.scale_mix import ALL_COM
from tests.bench.scale_model import Plan, find_traffic


@pytest.fixture(scope="module")
def costs() -> Costs:
    """The figures as kept."""
    return scale_costs.load()


def test_the_document_has_the_tables_that_the_script_writes(costs: Costs) -> None:
    """`make scale ARGS=--write` writes them anew after a change of the rules or of the figures."""
    text = (records.ROOT / scale.DOCUMENT).read_text(encoding="utf-8")
    for marker, part in scale_text.parts(costs).items():
        assert records.placed(text, marker, part) == text, marker


def test_the_committed_picture_is_what_the_script_draws(costs: Costs) -> None:
    """And it is well-formed, with both of its panels."""
    drawn = scale_picture.drawn(costs)
    assert (records.ROOT / scale.PICTURE).read_text(encoding="utf-8") == drawn
    assert len(list(ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}polyline"))) == 8  # noqa: S314  # our own


def test_the_simulated_core_was_within_the_bound_at_every_kept_size() -> None:
    """A model that is off is mended, the bound is not widened."""
    kept = records.load(scale_costs.LONG_LISTS)
    units = longlist_units.middle(kept[0])
    assert set(longlist.SIZES) <= set(kept)
    rows = [row for count in longlist.SIZES for row in longlist.compare(count, kept[count], units)]
    assert {key for _, key, *_ in rows} >= set(longlist.HELD)
    assert not [row for row in rows if longlist.is_off(*row[1:])]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "/s", "0 /s"),
        (0.0042, "cores", "0.0042 cores"),
        (272.4, "/s", "272 /s"),
        (12_345.0, "", "12.3 k"),
        (2.5e9, "B", "2.50 GB"),
        (90.0, "s", "90 s"),
        (7200.0, "s", "2 h"),
        (3.19e-6, "s", "3.19 us"),
        (float("inf"), "s", "never"),
        (float("inf"), "", "-"),
    ],
)
def test_an_amount_is_shown_with_its_unit(value: float, unit: str, text: str) -> None:
    """Prefixes of thousands, and times in the largest word of which there are two."""
    assert scale_text.amount(value, unit) == text


def test_every_line_of_a_bill_says_where_it_is_from(costs: Costs) -> None:
    """And beyond the sizes that were measured none calls itself measured."""
    small, large = (make_bill(Plan(names=names, results="all"), costs) for names in (1_000_000, 3_000_000))
    assert all(line.source for line in small)
    assert {line.basis for line in small} == {"measured", "rule", "estimate", "extrapolated"}
    assert "measured" not in {line.basis for line in large}
    assert len({line.key for line in small}) == len(small)


def test_a_coordinator_carries_as_many_names_as_fill_its_core(costs: Costs) -> None:
    """A few more are too many; with rarer looks it carries more."""
    plan = Plan(names=1, mix=ALL_COM)
    most = most_names(plan, costs)
    counts = [int(most * part) for part in (0.98, 1.02)]
    used = [coordinator_cores(names, find_traffic(replace(plan, names=names, limits=FREE)), costs) for names in counts]
    assert used[0] <= 0.7 < used[1]
    assert most_names(replace(plan, interval=86_400.0), costs) > 2 * most


def test_a_zone_replaces_the_looks_at_its_names() -> None:
    """One look an hour at a million names of com, less those that are in no zone."""
    (suffix, asked, size, seconds), *others = zone_lines(Plan(names=1_000_000, mix=ALL_COM))
    assert (suffix, others) == ("com", [])
    assert asked == pytest.approx(24e6 * (1 - 0.0206))
    assert seconds == pytest.approx(8 * size / 100e6)


def test_unit_costs_are_found_again_from_runs_that_were_made_of_them() -> None:
    """And a cost that would be below zero is none."""
    costs = {"scan": 1e-4, "wake": 2e-4, "sweep": 3e-4, "look": 4e-6, "single": 5e-4, "block": 0.0}
    runs = []
    for number in range(8):
        rates = {
            name: float((number + 1) * (7 * place + 3) % 11 + 1)
            for place, name in enumerate(("wakes", "sweeps", "swept", "rows"))
        }
        run = {**rates, "blocks": float(number % 3), "names": 1.0}
        run["core"] = 1e-4 + 2e-4 * run["wakes"] + 3e-4 * run["sweeps"] + 4e-6 * run["swept"] + 5e-4 * run["rows"]
        runs.append(run)
    found = longlist_units.fit(runs)
    assert found == pytest.approx(costs, abs=1e-6)


def test_make_scale_prints_the_operators_and_the_bill(capsys: pytest.CaptureFixture[str]) -> None:
    """With the sources of its figures."""
    scale.main(["--names", "2000000", "--mix", "com=1,de=1", "--egresses", "2"])
    text = capsys.readouterr().out
    assert "| `dns/de` |" in text
    assert "docs/benchmarks/service.json" in text


def test_a_list_is_counted_by_its_suffixes(tmp_path: Path) -> None:
    """Under the registries' suffixes, not by the last label."""
    path = tmp_path / "names.txt"
    path.write_text("one.com\ntwo.co.uk\n\nthree.co.uk\nfour.com\n", encoding="utf-8")
    assert scale.count_names(path) == 4
    assert {row.suffix: row.share for row in scale.read_mix(path)} == {"com": 0.5, "co.uk": 0.5}
