"""`domain-monitor plan`: a list or counts go in, waits and latency by suffix come out, without any network."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from actors.cli.list_plan import read_counts
from actors.cli.main import main
from common.errors import ListError


@pytest.fixture(autouse=True)
def _empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but the defaults."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))


def test_counts_are_planned_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each suffix, the biggest first."""
    assert main(["plan", "uk=500,com=1000000"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert lines[0].split("  ")[0] == "suffix"
    assert [line.split()[:2] for line in lines[1:3]] == [["com", "1,000,000"], ["uk", "500"]]
    assert "rdap/verisign" in lines[1]
    assert " / " in lines[1]


def test_a_list_is_counted_by_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a file or standard input, one name a line or JSON, each name once."""
    path = tmp_path / "names.txt"
    path.write_text("a.com\nb.com\na.com\nc.co.uk\n")
    assert read_counts(str(path)) == {"com": 2, "co.uk": 1}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"domains": ["a.org", {"domain": "b.org"}]}')))
    assert read_counts("-") == {"org": 2}


def test_the_json_has_every_figure_and_no_infinity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A span without an end is null; `--limits` replaces the configured budgets."""
    limits = tmp_path / "budgets.json"
    limits.write_text(
        '{"rdap/verisign": {"rate": 0}, "whois/verisign": {"rate": 0}, "dns/gtld-servers": {"rate": 1, "ceiling": 4}}'
    )
    assert main(["plan", "com=100", "--json", "--limits", str(limits), "--days", "30"]) == 0
    (plan,) = json.loads(capsys.readouterr().out)["suffixes"]

    assert plan["latency"] == {"worst": None, "typical": None}
    assert (plan["dns_rate"], plan["dns_ceiling"], plan["registry"]) == (26.0, 104.0, "")
    assert plan["first_look"]["worst"] == round(100 / 26, 1)


@pytest.mark.parametrize(
    ("source", "words"),
    [("com=x", "no SUFFIX=NUMBER"), ("com=0", "SUFFIX"), ("=5", "SUFFIX"), ("a b=5", "SUFFIX"), ("absent.txt", "absent.txt")],
)
def test_what_cannot_be_counted_is_said(source: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one sentence, with the exit code of bad usage."""
    with pytest.raises(ListError, match=words):
        read_counts(source)
    assert main(["plan", source]) == 2
    assert words in capsys.readouterr().err


def test_a_list_without_a_name_is_none(tmp_path: Path) -> None:
    """Its lines may all be wrong."""
    (tmp_path / "bad.txt").write_text("-\n")
    with pytest.raises(ListError, match="no name"):
        read_counts(str(tmp_path / "bad.txt"))


def test_a_wrong_budgets_file_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As at the start of the stack; so is one that is not there."""
    path = tmp_path / "budgets.json"
    path.write_text('{"rdap/verisign": {"rate": 2, "ceiling": 1}}')
    assert main(["plan", "com=1", "--limits", str(path)]) == 2
    assert "a ceiling below the rate" in capsys.readouterr().err
    assert main(["plan", "com=1", "--limits", str(tmp_path / "absent")]) == 2
    assert "absent" in capsys.readouterr().err
