"""What a worker says that does not reach its coordinator: soon, with the reason, and not again and again."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from common import log, worker_reach
from common.config import load
from common.process import Runtime
from common.worker_reach import LOCAL_PATIENCE, REMOTE_PATIENCE, REPEAT_AFTER, ReachLog

REASON = "tcp://192.0.2.1:5550: nothing answers; look"


class Scene:
    """A log and a clock that stands still until it is moved."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, *, remote: bool = True) -> None:
        self.moment = 1000.0
        self.said = io.StringIO()
        monkeypatch.setattr(worker_reach, "monotonic", lambda: self.moment)
        settings = load({"STATE_DIR": str(path), "LOG_FORMAT": "json"})
        log.setup(settings, "checker-fast-0", self.said)
        self.runtime = Runtime("checker-fast-0", settings, asyncio.Event())
        self.reach, self.remote = ReachLog(self.runtime), remote

    def note(self, trouble: str, after: float = 0.0) -> int:
        """Note this trouble, so many seconds later; how many lines there are then."""
        self.moment += after
        self.reach.note(trouble, remote=self.remote)
        return self.said.getvalue().count("coordinator_unreachable")


@pytest.mark.parametrize(("remote", "patience"), [(True, REMOTE_PATIENCE), (False, LOCAL_PATIENCE)])
def test_it_is_said_once_it_has_lasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, remote: bool, patience: float
) -> None:
    """With the reason and since when, in the log and in the heartbeat; on one host the coordinator may still read its names."""
    scene = Scene(tmp_path, monkeypatch, remote=remote)

    assert scene.note(REASON) == 0
    assert scene.note(REASON, patience - 0.1) == 0
    assert scene.runtime.trouble == ""
    assert scene.note(REASON, 0.1) == 1
    assert scene.runtime.trouble == REASON
    assert REASON in scene.said.getvalue()
    assert scene.runtime._heartbeat().trouble == REASON
    assert scene.runtime._heartbeat().trouble_since == pytest.approx(scene.runtime.started_at - patience, abs=5)


def test_it_is_said_again_ever_more_rarely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not the reason changes, which the heartbeat has at once."""
    scene = Scene(tmp_path, monkeypatch)
    scene.note(REASON)

    assert scene.note(REASON, REMOTE_PATIENCE) == 1
    assert scene.note("another", REPEAT_AFTER - 1) == 1
    assert scene.runtime.trouble == "another"
    assert scene.note(REASON, 1) == 2
    assert scene.note(REASON, 2 * REPEAT_AFTER - 1) == 2
    assert scene.note(REASON, 1) == 3
    for _ in range(24 * 60):
        scene.note(REASON, 60)
    assert scene.note(REASON) < 60


def test_its_end_is_said_where_it_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a short one never is."""
    scene = Scene(tmp_path, monkeypatch)
    scene.note(REASON)
    scene.note("", 1)
    assert "coordinator_reached" not in scene.said.getvalue()

    scene.note(REASON)
    scene.note(REASON, REMOTE_PATIENCE)
    scene.note("", 5)
    assert '"after":20' in scene.said.getvalue().replace(" ", "")
    assert scene.runtime.trouble == ""
    assert scene.note(REASON, 1) == scene.note(REASON, 1) == 1
