"""`domain-monitor judge`: one line out for each line in, whatever comes in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from actors.cli.judge import LINE_LIMIT, run
from actors.cli.second_reader import SecondReader, compare_readings
from common.core.verdict.offline import read_answer

ROOT = Path(__file__).parents[2]
FREE = {
    "id": 1,
    "domain": "Example.COM.",
    "method": "rdap",
    "server": "rdap.verisign.com",
    "answer": {"status": 404, "headers": {"content-type": "application/rdap+json"}, "body": '{"errorCode":404}'},
}


def judged(tmp_path, capsys, *lines, fuse=False, code=0):
    """The output lines for these input lines (bytes, or values to be written as JSON), after an exit with that code."""
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + b"\n")
    status = run(str(file), fuse)
    assert code is None or status == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_comes_out_with_exactly_the_promised_keys(tmp_path, capsys):
    """Other programs read this form."""
    (out,) = judged(tmp_path, capsys, FREE)

    assert list(out) == ["id", "outcome", "available", "phase", "fields", "reason"]
    assert list(out["fields"]) == ["created_at", "expires_at", "updated_at", "registrar", "statuses", "nameservers"]
    assert (out["id"], out["outcome"], out["available"], out["phase"]) == (1, "unregistered", True, None)


def test_a_record_comes_out_with_its_fields(tmp_path, capsys):
    """Dates in UTC, statuses in RDAP words."""
    body = {"objectClassName": "domain", "ldhName": "example.com", "status": ["clientHold"]}
    body["events"] = [{"eventAction": "registration", "eventDate": "2020-01-01T01:00:00+01:00"}]
    (out,) = judged(tmp_path, capsys, FREE | {"answer": {"status": 200, "headers": {}, "body": json.dumps(body)}})

    assert (out["outcome"], out["available"], out["phase"]) == ("registered", False, "undelegated")
    assert out["fields"]["created_at"] == "2020-01-01T00:00:00Z"
    assert out["fields"]["statuses"] == ["client hold"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"nonsense",
        b"[]",
        b"5",
        b"null",
        b"\xff\xfe\x00",
        b'{"id": NaN}',
        b"[" * 100_000,
        {"id": "x"},
        {"id": "x", "method": "rdap"},
        {"id": "x", "method": 5, "answer": {}},
        {"id": "x", "method": "rdap", "answer": []},
        {"id": "x", "method": "rdap", "answer": {"status": 200}, "domain": 5},
        {"id": "x", "method": "rdap", "answer": {"status": 200}, "server": {}},
        {"id": "x", "method": "telepathy", "answer": {}},
        {"id": {"a": 1}, "method": "whois", "answer": {"text": 7}},
    ],
)
def test_a_bad_line_is_answered_and_the_next_one_is_judged(tmp_path, capsys, line):
    """The reason names the problem, the id is kept where it could be read, and the run goes on."""
    bad, good = judged(tmp_path, capsys, line, FREE, code=None)

    assert (bad["outcome"], bad["available"]) == ("unknown", None)
    assert bad["reason"]
    assert bad["id"] == ("x" if isinstance(line, dict) and line["id"] == "x" else None)
    assert good["outcome"] == "unregistered"


def test_a_line_that_is_too_long_is_skipped_as_a_whole(tmp_path, capsys):
    """Its rest is not taken for the next line."""
    long = b'{"id": 1, "x": "' + b"a" * (3 * LINE_LIMIT) + b'"}'
    bad, good = judged(tmp_path, capsys, long, FREE, code=1)

    assert str(LINE_LIMIT) in bad["reason"]
    assert good["outcome"] == "unregistered"


def test_blank_lines_and_windows_line_ends_are_taken(tmp_path, capsys):
    """An empty line is no answer to judge."""
    assert len(judged(tmp_path, capsys, b"", b"   ", json.dumps(FREE).encode() + b"\r", b"")) == 1


@pytest.mark.parametrize(
    "domain", [None, "", "localhost", "not a name", "com", "a" * 500, "\ud800.com", "www.example.com", "1.2.3.4"]
)
def test_names_that_cannot_be_registered_are_no_crash(tmp_path, capsys, domain):
    """The answer is judged as far as it goes."""
    (out,) = judged(tmp_path, capsys, FREE | {"domain": domain})

    assert (out["outcome"], out["available"]) == ("unknown", None)


def test_ids_of_any_kind_come_back(tmp_path, capsys):
    """Texts, numbers beyond 64 bits, lone surrogates and null."""
    for identity in ("ü", 2**100, 1.5, True, None, "\ud800"):
        (out,) = judged(tmp_path, capsys, FREE | {"id": identity})
        assert out["id"] == identity


def test_a_file_that_is_not_there_is_an_error(tmp_path, capsys):
    """Status 2 and one sentence."""
    assert run(str(tmp_path / "nothing"), fuse=False) == 2
    assert "No such file" in capsys.readouterr().err


def test_standard_input_is_read_as_a_stream():
    """`-` reads from a pipe, in a process of its own."""
    code = "import sys; from actors.cli.judge import run; sys.exit(run('-', False))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(FREE) + "\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0
    assert json.loads(done.stdout)["outcome"] == "unregistered"


def test_fuse_adds_one_verdict_for_each_domain(tmp_path, capsys):
    """The lines come first, then the verdicts; names that could not be read have none."""
    other = FREE | {"id": 2, "domain": "other.com", "answer": {"status": 429, "headers": {}, "body": ""}}
    out = judged(
        tmp_path,
        capsys,
        FREE,
        FREE | {"id": 3, "domain": "EXAMPLE.com"},
        other,
        b"{",
        FREE | {"domain": None},
        fuse=True,
        code=1,
    )

    assert [line["id"] for line in out[:5]] == [1, 3, 2, None, 1]
    assert [line["domain"] for line in out[5:]] == ["example.com", "other.com"]
    assert all(isinstance(line["verdict"], dict) for line in out[5:])


def test_a_line_that_is_no_json_fails_the_run_and_is_named(tmp_path, capsys):
    """All lines are judged, the exit code is 1, and standard error has the numbers, the first ones of many."""
    file = tmp_path / "in.jsonl"
    file.write_bytes(json.dumps(FREE).encode() + b"\n\nnonsense\n[]\n" + json.dumps(FREE).encode() + b"\n" + b"{\n" * 30)

    assert run(str(file), fuse=False) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 34
    assert [line.split(": ")[0] for line in err.splitlines()[:3]] == [f"{file} line {number}" for number in (3, 4, 6)]
    assert err.splitlines()[-1] == f"{file}: 12 more lines like these"


# -- what python-whois reads -----------------------------------------------------------------------------------------------

RECORD = """Domain Name: EXAMPLE.COM
Creation Date: 1995-08-14T04:00:00Z
Registry Expiry Date: 2027-08-13T04:00:00Z
Registrar: RESERVED
"""


def whois(text, domain="example.com"):
    """A recorded WHOIS answer."""
    return {"id": 1, "domain": domain, "method": "whois", "server": "whois.verisign-grs.com", "answer": {"text": text}}


def test_python_whois_is_shown_beside_our_reading(tmp_path, capsys):
    """Of WHOIS answers alone, with what differs between the two."""
    file = tmp_path / "in.jsonl"
    lines = [whois(RECORD), whois('No match for "FREE.COM".\r\n', "free.com"), FREE]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    assert run(str(file), fuse=False, compared=True) == 0
    record, free, rdap = map(json.loads, capsys.readouterr().out.splitlines())
    assert record["python_whois"]["registered"] is True
    assert record["python_whois"]["fields"]["registrar"] == "RESERVED"
    assert (record["python_whois"]["differs"], free["python_whois"]["differs"]) == ([], [])
    assert free["python_whois"]["registered"] is False
    assert "python_whois" not in rdap


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.stdin.buffer.read()", "no end after"),
        ("import os; os._exit(1)", "ended without an answer"),
        ("import sys\nfor line in sys.stdin: print('garbage', flush=True)", "ended without an answer"),
        ("import sys\nfor line in sys.stdin: print('x' * 200_000, flush=True)", "ended without an answer"),
        ("import sys\nfor line in sys.stdin: print('[]', flush=True)", "something else"),
    ],
)
def test_a_reader_that_hangs_or_breaks_is_ended(program, words):
    """Its patterns never end on some answers: that costs a moment of the comparison, never the run."""
    with SecondReader((sys.executable, "-c", program), patience=0.2, start=3.0) as reader:
        assert words in reader.read("example.com", RECORD)["error"]
        assert words in reader.read("example.com", RECORD)["error"]


def test_what_both_say_differently_is_named():
    """Dates by their day; where one of them says nothing there is nothing to compare."""
    reading = read_answer("whois", "whois.verisign-grs.com", "example.com", "com", {"text": RECORD})
    theirs = {"registered": False, "fields": {"created_at": "1995-08-14T06:00:00+02:00", "expires_at": "2026-08-13"}}

    assert compare_readings(theirs, reading)["differs"] == ["registered", "expires_at"]
    assert compare_readings({"registered": None, "fields": {}}, reading)["differs"] == []
    assert compare_readings({"error": "x"}, reading) == {"error": "x"}
