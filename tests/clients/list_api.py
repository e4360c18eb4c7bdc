"""A Domain API on loopback that answers as a test wants, and our client for it."""

from __future__ import annotations

import ssl
from contextlib import AbstractContextManager
from functools import partial

import numpy as np
import pytest

from common.clients.domain_api import DomainApi
from common.clients.list_text import FetchedList, ListBounds
from common.config import Settings, load
from common.errors import ListError
from common.suffixes import load_suffixes
from tests import http_thread
from tests.http_thread import Answer, Server

SUFFIX_OF = load_suffixes()
BOUNDS = ListBounds(wire=1 << 20, unpacked=2 << 20, connect=2, read=2, total=5, backoff=0.001)
TOKEN = "a-token-nobody-may-see"
#: A clock to which every file is old: not being written.
LATER = partial(float, 9e9)
LIST = b'{"domains":[{"domain":"example.com","priority":true},"other.org"]}'
PATH = "/list?key=hidden-key"


def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AbstractContextManager[Server]:
    """The API in a thread, for the duration of a test."""
    return http_thread.serving(answer, tls, path=PATH)


def settings_for(url: str, **more: str) -> Settings:
    """Settings with this list."""
    return load({"DOMAIN_API_URL": url, "API_AUTH_TOKEN": TOKEN, **more})


def api(url: str, bounds: ListBounds = BOUNDS, **more: str) -> DomainApi:
    """A client for a list at `url`."""
    return DomainApi(settings_for(url, **more), SUFFIX_OF, bounds)


def names_of(fetched: FetchedList) -> dict[str, bool]:
    """The names of a list that is new, with their priority."""
    assert fetched.listed is not None
    names = fetched.listed.names
    return {
        name: urgent
        for piece, priorities in names.iter_chunks(np.arange(len(names)), 1000)
        for name, urgent in zip(piece, priorities, strict=True)
    }


def failure(url: str, bounds: ListBounds = BOUNDS) -> str:
    """The sentence with which fetching fails."""
    with pytest.raises(ListError) as caught:
        api(url, bounds).fetch()
    text = str(caught.value)

    assert TOKEN not in text
    assert "hidden-key" not in text
    assert text.isprintable()
    return text
