"""What a session beside the store sees of it, and does to it."""

from __future__ import annotations

import psycopg

from common.store.postgres import partitions


def end_sessions(beside: psycopg.Connection, purpose: str = "%") -> int:
    """End the sessions of the store; how many that were."""
    ended = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name LIKE %s"
    return int(beside.execute(ended, (f"domain-monitor {purpose}",)).fetchone()[0])


def slots(beside: psycopg.Connection, table: str) -> set[int]:
    """The spans of a table."""
    return set(partitions.Partitions().slots(beside, table))
