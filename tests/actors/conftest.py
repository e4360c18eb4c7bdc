"""What tests of processes share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Children find the code, and keep what they need in the folder of the test."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
