"""Builds the directory of servers from the operator's files, the kept bootstrap copy and the built-in tables."""

from __future__ import annotations

from common import operator_files
from common.clients.bootstrap_copy import load_kept_bases
from common.config import Settings
from common.core.registries.directory import Directory


def load_directory(settings: Settings) -> Directory:
    """The directory of servers. Raises ConfigError, naming the setting and the file, where a file of the operator is wrong."""
    own = operator_files.load_servers(settings)
    return Directory(
        own=own.rdap,
        fetched=load_kept_bases(settings),
        own_whois=own.whois,
        own_das=own.das,
        das_suffixes=operator_files.load_das_suffixes(settings),
    )
