"""The defaults of settings that follow from other settings, or from this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from common.socket_paths import socket_directory


def fill_dependent_defaults(found: dict[str, Any]) -> None:
    """Fill in what was not set: name of the instance, store and work sockets. `found`: values by attribute."""
    state: Path = found["state_dir"]
    if not found["instance_id"]:
        found["instance_id"] = re.sub(r"[^A-Za-z0-9._-]", "-", os.uname().nodename).lstrip("._-")[:64] or "localhost"
    if not found["egress_id"] and not found["coordinator"]:  # a checker on another host has to say it: see `setting_conflicts`
        found["egress_id"] = "default"
    if not found["store_url"]:
        found["store_url"] = f"sqlite:///{state / 'domain-monitor.db'}"
    if not found["bus_endpoint"]:
        found["bus_endpoint"] = f"ipc://{socket_directory(state) / 'bus'}"
