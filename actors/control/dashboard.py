"""The dashboard: a few files of our own, read once, and nothing from anywhere else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from aiohttp import web

from actors.control.http_problems import Problem

DIRECTORY = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
#: Media types of the static files.
MEDIA = tuple(_TYPES.values())


@lru_cache(maxsize=1)
def static_files() -> dict[str, bytes]:
    """Every static file by name. A name that is no key does not exist, so no path can lead outside."""
    return {path.name: path.read_bytes() for path in sorted(DIRECTORY.iterdir()) if path.suffix in _TYPES}


async def get_dashboard(_request: web.Request) -> web.Response:
    """GET /."""
    return _file("index.html")


async def get_static_file(request: web.Request) -> web.Response:
    """GET /static/{name}."""
    return _file(request.match_info["name"])


def _file(name: str) -> web.Response:
    body = static_files().get(name)
    if body is None:
        raise Problem(404, "There is no such file.")
    return web.Response(body=body, content_type=_TYPES[Path(name).suffix], charset="utf-8")
