"""A short campaign with the real processes: one fault of each important kind, and every invariant holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab.stack import ROOT

#: One after the other; the bounds are three times those of `make cluster-chaos`, for a machine that is busy with other tests.
FAULTS = (
    "kill the leading coordinator",
    "kill the leading instance",
    "pause the leading instance",
    "stop the leader in order",
    "receiver answers 500",
    "kill a worker process",
)


@pytest.mark.timeout(600)
def test_faults_lose_no_notice_and_tell_none_twice() -> None:
    """Three instances over one state directory; what was violated, and the time line, are the message."""
    only = [argument for fault in FAULTS for argument in ("--only", fault)]
    options = ["--each", "--quick", "--seed", "7", "--slack", "3", "--faults", str(len(FAULTS))]
    command = [sys.executable, "-m", "tests.cluster", *options, *only]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    assert f"{len(FAULTS)} faults: all well" in done.stdout
