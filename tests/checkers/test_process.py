"""What a checker process takes on, given what its system lets it have."""

from __future__ import annotations

import subprocess
import sys

from actors.checker import SLOTS, SPARE_FILES, count_slots


def test_slots_fit_into_the_files_that_may_be_open() -> None:
    """Each task may hold a connection; with few files a process takes fewer tasks, never none."""
    assert count_slots("deep", 1024) == 1024 - SPARE_FILES
    assert count_slots("deep", 1 << 20) == SLOTS["deep"]
    assert count_slots("fast", 1024) == SLOTS["fast"]
    assert count_slots("intermediate", 64) == 16


def test_a_process_allows_itself_the_files_it_needs() -> None:
    """The soft limit goes up, as far as the hard one allows."""
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (256, int(sys.argv[1])));"
        "from actors.checker import raise_file_limit; print(raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )

    def told(hard: int) -> str:
        return subprocess.run([sys.executable, "-c", program, str(hard)], check=True, capture_output=True, text=True).stdout

    assert told(1000) == "1000 1000\n"
    assert told(4000) == "2200 2200\n"
