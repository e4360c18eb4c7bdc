"""Log lines: one JSON object each, without secrets, bounded, never raising."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from common import log
from common.config import load


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was written, parsed."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def start(stream: io.StringIO, **environ: str) -> log.Logger:
    """A logger that writes to `stream`."""
    log.setup(load(environ), "checker-fast-0", stream)
    return log.get_logger("test")


def test_a_line_is_one_json_object() -> None:
    """Time, level, actor and event come first, then the fields."""
    stream = io.StringIO()
    start(stream).info("check_done", domain="x.com", ms=3.1, ok=True, none=None, path=Path("/x"), many={"a": (1, 2)})

    (row,) = lines(stream)
    assert list(row)[:4] == ["ts", "level", "actor", "event"]
    assert row["ts"].endswith("Z")
    assert (row["level"], row["actor"], row["event"]) == ("info", "checker-fast-0", "check_done")
    assert (row["domain"], row["ms"], row["ok"], row["none"], row["path"]) == ("x.com", 3.1, True, None, "/x")
    assert row["many"] == {"a": [1, 2]}


def test_a_terminal_gets_readable_text() -> None:
    """A person reads one short line, and no answer from outside can move the cursor or forge another line."""
    stream = io.StringIO()
    start(stream, LOG_FORMAT="text").warning("odd", text="a\nb\x1b[2J", empty="", number=1)

    (line,) = stream.getvalue().splitlines()
    assert line.endswith('warning checker-fast-0 odd text=a\\nb\\x1b[2J empty="" number=1')


def test_values_on_a_terminal_can_be_told_apart() -> None:
    """A list is written as such, and a quote within a quoted text does not end it."""
    stream = io.StringIO()
    start(stream, LOG_FORMAT="text").info("odd", methods=["dns", "http"], what='a "b" c')

    assert stream.getvalue().endswith('odd methods=["dns","http"] what="a \\"b\\" c"\n')


def test_lines_below_the_level_are_left_out() -> None:
    """LOG_LEVEL decides."""
    stream = io.StringIO()
    logger = start(stream, LOG_LEVEL="WARNING")
    logger.debug("a")
    logger.info("b")
    logger.warning("c")
    logger.error("d")

    assert [row["event"] for row in lines(stream)] == ["c", "d"]


def test_secrets_are_replaced_in_every_field() -> None:
    """The value of a secret never reaches a line, nor do passwords and queries of URLs."""
    stream = io.StringIO()
    logger = start(stream, API_AUTH_TOKEN="hunter2222")
    logger.info("sent", header="Bearer hunter2222", nested={"a": ["hunter2222"]}, url="https://u:pw-x@h.example/p?k=v-x")

    text = stream.getvalue()
    assert "hunter2222" not in text
    assert "pw-x" not in text
    assert "v-x" not in text


def test_a_secret_at_the_bound_is_not_cut_in_half() -> None:
    """Cutting a text must not make half a secret that the scrubber misses."""
    stream = io.StringIO()
    start(stream, API_AUTH_TOKEN="hunter2222").info("x", text="a" * (log.TEXT_LIMIT - 5) + "hunter2222")

    assert "hunt" not in stream.getvalue()


def test_fields_are_bounded() -> None:
    """No answer from outside floods the log."""
    stream = io.StringIO()
    fields = {f"f{number}": number for number in range(1000)}
    start(stream).info("x", text="a" * 1_000_000, items=list(range(100_000)), deep=[[[[[["x"]]]]]], huge=10**400, **fields)

    (row,) = lines(stream)
    assert len(row["text"]) < log.TEXT_LIMIT + 50
    assert len(row["items"]) == log.ITEM_LIMIT
    assert len(row) <= log.FIELD_LIMIT + 4


def test_a_field_cannot_replace_the_event() -> None:
    """A field named like one of the fixed ones gets another name."""
    stream = io.StringIO()
    start(stream).info("x", level="forged", actor="forged")

    (row,) = lines(stream)
    assert (row["level"], row["actor"], row["level_"]) == ("info", "checker-fast-0", "forged")


def test_an_error_comes_with_its_traceback() -> None:
    """`exception` inside a handler and `cause` elsewhere say where it happened."""
    stream = io.StringIO()
    logger = start(stream, API_AUTH_TOKEN="hunter2222")
    try:
        int("hunter2222")
    except ValueError as error:
        logger.exception("failed", domain="x.com")
        kept = error
    logger.error("later", cause=kept)

    for row in lines(stream):
        assert row["error"] == "ValueError(\"invalid literal for int() with base 10: '***'\")"
        assert "test_log.py" in row["traceback"]


def test_bound_fields_are_on_every_line() -> None:
    """A logger of one domain says so each time."""
    stream = io.StringIO()
    start(stream).bind(domain="x.com").info("a", ms=1)

    assert lines(stream)[0]["domain"] == "x.com"


def test_warnings_and_errors_of_libraries_come_the_same_way() -> None:
    """What asyncio and aiohttp complain about is not lost among plain text; their chatter is left out."""
    stream = io.StringIO()
    start(stream, API_AUTH_TOKEN="hunter2222")
    logging.getLogger("aiohttp.server").error("broken %s", "hunter2222", exc_info=RuntimeError("x"))
    logging.getLogger("aiohttp.access").info("GET /")
    logging.getLogger("odd").warning("strange")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    rows = lines(stream)
    assert [(row["event"], row["level"], row["logger"]) for row in rows] == [
        ("library", "error", "aiohttp.server"),
        ("library", "warning", "odd"),
        ("library", "warning", "py.warnings"),
    ]
    assert rows[0]["message"] == "broken ***"
    assert rows[0]["error"] == "RuntimeError('x')"


def test_a_library_that_formats_badly_is_still_heard() -> None:
    """A message that does not fit its arguments comes out as it is."""
    stream = io.StringIO()
    start(stream)
    log._LibraryHandler().emit(logging.LogRecord("odd", logging.WARNING, __file__, 1, "%d", ("no number",), None))

    assert lines(stream)[0]["message"] == "%d"


def test_a_forgotten_exception_of_a_task_is_logged() -> None:
    """A task that is not awaited does not fail silently."""
    stream = io.StringIO()
    start(stream)

    async def fail() -> None:
        raise RuntimeError("forgotten")

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(fail())
        await asyncio.sleep(0)
        del task

    asyncio.run(main())

    assert "forgotten" in lines(stream)[0]["error"]


def test_a_broken_output_does_not_stop_the_program() -> None:
    """A full disk or a closed pipe costs the line, nothing else."""

    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    start(Full()).error("x")


def test_surrogates_and_odd_objects_can_be_logged() -> None:
    """Whatever a field is, the line comes out."""
    stream = io.StringIO()
    start(stream).info("x", lone="\ud800", raw=b"\xff", thing=object(), number=float("nan"))
    start(stream, LOG_FORMAT="text").info("x", lone="\ud800")

    first, second = stream.getvalue().splitlines()
    assert json.loads(first, parse_constant=pytest.fail)["number"] == "nan"
    assert second.isascii()


def test_before_setup_only_warnings_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A module that logs while it is imported disturbs no program's output."""
    log.get_logger("early").info("quiet")
    log.get_logger("early").warning("loud")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "loud" in captured.err
    assert "quiet" not in captured.err
