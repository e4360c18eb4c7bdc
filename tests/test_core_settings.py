"""What the core gets of the settings."""

from __future__ import annotations

from pathlib import Path
from random import Random

from common.config import load
from common.core.coordinator.coordinator import Coordinator
from common.core.registries.directory import Directory
from common.core.registries.sources import Source
from common.core_settings import build_policy


def test_the_configured_sources_reach_the_registries(tmp_path: Path) -> None:
    """With base URL, batch, and whether their answers prove anything; a registrar that lacks a setting is none."""
    keys = {"GANDI_TOKEN": "token-1", "INWX_USERNAME": "me", "NAMESILO_API_KEY": "key-1", "REGISTRAR_SANDBOX": "namesilo"}
    policy = build_policy(load({"STATE_DIR": str(tmp_path), **keys}))
    core = Coordinator(policy, Directory(), "boot", Random(1), 1.0)

    assert core.rooms.registries.sources.all_sources() == (
        Source(method="registrar:gandi", url="https://api.gandi.net"),
        Source(method="registrar:namesilo", url="https://sandbox.namesilo.com", batch=200, proof=False),
    )
    assert core.rooms.registries.server_of("registrar:gandi", "com") == "https://api.gandi.net"


def test_without_keys_there_is_no_further_source(tmp_path: Path) -> None:
    """Nothing is asked of a registrar."""
    assert build_policy(load({"STATE_DIR": str(tmp_path)})).sources == ()
