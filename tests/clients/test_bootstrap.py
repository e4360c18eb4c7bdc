"""The RDAP bootstrap client: polite, conditional, and never worse off after a failure."""

import asyncio
import json

import pytest

from common.clients.address_guard import Guard
from common.clients.bootstrap import BootstrapClient
from common.clients.bootstrap_copy import SHORTEST_INTERVAL, copy_path, load_kept_bases
from common.clients.http_client import HttpClient
from common.config import load
from common.core.registries.directory import built_in_bootstrap
from common.registry_directory import load_directory
from tests.clients.hostile import hostile, reply

NOW = 1_750_000_000.0


def whole(**extra):
    """A complete bootstrap file, with more suffixes added."""
    services = [[[suffix], list(bases)] for suffix, bases in (built_in_bootstrap() | extra).items()]
    return json.dumps({"version": "1.0", "services": services}).encode()


class Clock:
    """Time that a test moves."""

    def __init__(self):
        self.at = NOW

    def __call__(self):
        """The time now, epoch seconds."""
        return self.at


def play(tmp_path, answers, moves):
    """Refresh once per move (seconds to wait before); answers are served in turn. Gives (results, errors, heads, settings)."""

    async def main():
        left = list(answers)
        clock = Clock()
        results, errors = [], []

        async def handler(_head, writer):
            writer.write(left.pop(0))

        async with hostile(handler) as server:
            settings = load(
                {
                    "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
                    "STATE_DIR": str(tmp_path),
                    "RDAP_BOOTSTRAP_URL": f"{server.base}/dns.json",
                }
            )
            client = HttpClient(settings, Guard(settings))
            for move in moves:
                clock.at += move
                # A new client each time: what is known has to survive a restart.
                bootstrap = BootstrapClient(settings, client, clock)
                results.append(await bootstrap.refresh())
                errors.append(bootstrap.error)
            await client.close()
            return results, errors, server.requests, settings

    return asyncio.run(main())


def test_a_new_list_is_taken_kept_and_loaded(tmp_path):
    """The list comes back, survives in STATE_DIR, and the directory starts with it."""
    results, errors, _heads, settings = play(tmp_path, [reply(200, whole(lab=("https://rdap.lab.example/",)))], [0])

    assert results[0]["lab"] == ("https://rdap.lab.example/",)
    assert errors == [""]
    assert load_kept_bases(settings)["lab"] == ("https://rdap.lab.example/",)
    assert load_directory(settings).rdap_server("lab").host == "rdap.lab.example"


def test_the_second_fetch_is_conditional(tmp_path):
    """ETag and date go back; 304 changes nothing."""
    validators = {"ETag": '"v1"', "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}
    results, errors, heads, _settings = play(tmp_path, [reply(200, whole(), validators), reply(304)], [0, SHORTEST_INTERVAL])

    assert results[1] is None
    assert errors == ["", ""]
    assert 'If-None-Match: "v1"' in heads[1]
    assert "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT" in heads[1]


def test_at_most_four_requests_a_day_even_over_restarts_and_failures(tmp_path):
    """Looking every minute asks every six hours."""
    _results, _errors, heads, _settings = play(tmp_path, [reply(500)] * 10, [60.0] * 1500)

    assert len(heads) == 5  # at 0, 6, 12, 18 and 24 hours


def test_what_the_server_says_about_freshness_is_honoured(tmp_path):
    """Cache-Control and Expires put the next request off, within a week."""
    day = reply(200, whole(), {"Cache-Control": "public, max-age=86400"})
    _results, _errors, heads, _settings = play(tmp_path, [day, day], [0, 86_399, 1])
    assert len(heads) == 2

    expires = reply(200, whole(), {"Expires": "Thu, 01 Jan 2099 00:00:00 GMT"})
    _results, _errors, heads, _settings = play(tmp_path / "b", [expires, expires], [0, 6 * 86_400, 86_400])
    assert len(heads) == 2


@pytest.mark.parametrize(
    "answer",
    [
        reply(500),
        reply(200, b"<html>maintenance</html>"),
        reply(200, json.dumps({"version": "1.0", "services": []}).encode()),
        reply(200, json.dumps({"version": "1.0", "services": [[["com"], ["https://evil.example/"]]]}).encode()),
        reply(200, whole()[:5000], length=100_000),
        reply(302, b"", {"Location": "http://169.254.169.254/"}),
        reply(200, b" " * (3 << 20)),
        b"",
    ],
)
def test_a_failure_keeps_the_last_good_copy(tmp_path, answer):
    """Empty, foreign, cut, moved or too large: the copy before stays, and the reason is said."""
    good = reply(200, whole(lab=("https://rdap.lab.example/",)))
    results, errors, _heads, settings = play(tmp_path, [good, answer], [0, SHORTEST_INTERVAL])

    assert results[1] is None
    assert errors[1].startswith("RDAP bootstrap not taken: ")
    assert load_kept_bases(settings)["lab"] == ("https://rdap.lab.example/",)


def test_a_broken_cache_file_is_ignored(tmp_path):
    """A crash in the middle of a write, years ago or of another program, costs one fetch."""
    settings = load({"STATE_DIR": str(tmp_path)})
    for content in (b"", b"{", b"[]", b'{"next_at": "x"}', b'{"next_at": 1, "body": 5}', b"\xff\xfe"):
        copy_path(settings).write_bytes(content)

        assert load_kept_bases(settings) is None
        assert load_directory(settings).rdap_server("com") is not None
