"""Runs supervisord below `domain-monitor supervise`, bound to it: it ends with its parent, and the processes below end with it.

What it starts learns its process id, so that each process can tell when its supervisor is gone (`common.process_tree`).
"""

from __future__ import annotations

import os
import signal
import sys

from supervisor import supervisord

from common import config, process_tree


def main() -> int:
    """Be supervisord; the arguments are its own."""
    process_tree.signal_at_parents_end(signal.SIGKILL)  # to stop in order may take a minute, and a new start is near
    parent = config.inherited("SUPERVISE_PID")
    if parent and parent != str(os.getppid()):
        return 1  # it ended before we could ask to be told
    config.hand_down("SUPERVISORD_PID", str(os.getpid()))
    supervisord.main(sys.argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
