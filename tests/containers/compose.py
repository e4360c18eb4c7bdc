"""The project's compose file as it is, under a name and in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
SERVICE, DATABASE = "domain-monitor", "postgres"
#: As in the compose file, and what stands in for it where it cannot be pulled.
DATABASE_IMAGE, STAND_IN = "postgres:15", Path(__file__).parent / "postgres"


class ComposeError(RuntimeError):
    """A command of Docker failed."""


class Compose:
    """One project. `folder` holds its .env and config; it is seen under the same path in every instance."""

    def __init__(
        self, folder: Path, project: str, environment: Mapping[str, str], ports: tuple[int, int], *, database: bool = False
    ) -> None:
        """`ports` on this host: of control and feed. With `database` the state is kept in the compose file's own."""
        control_port, feed_port = ports
        self.url = f"http://127.0.0.1:{control_port}"
        self.feed = f"tcp://127.0.0.1:{feed_port}"
        self._project = project
        (folder / "config").mkdir()
        lines = [f"{name}='{value}'\n" for name, value in environment.items()]
        lines += [f"CONTROL_PORT={control_port}\n", f"FEED_PORT={feed_port}\n"]
        if database:
            password = secrets.token_hex(16)
            url = f"postgresql://monitor:{password}@{DATABASE}:5432/monitor"
            lines += [f"POSTGRES_PASSWORD={password}\n", f"STORE_URL={url}\n"]
        (folder / ".env").write_text("".join(lines), encoding="utf-8")
        override = folder / "lab.yml"
        mount = {"services": {SERVICE: {"volumes": [f"{folder}:{folder}:ro"]}}}
        override.write_text(json.dumps(mount), encoding="utf-8")  # JSON is YAML
        files = ("--file", str(ROOT / "docker-compose.yml"), "--file", str(override))
        profile = ("--profile", DATABASE) if database else ()
        self._command = ("compose", *profile, "--project-name", project, "--project-directory", str(folder), *files)
        self.database = database

    async def scale(self, count: int) -> None:
        """Have so many instances, and the proxy."""
        await run("docker", *self._command, "up", "--detach", "--no-build", "--scale", f"{SERVICE}={count}")

    async def stop_database(self, seconds: float) -> None:
        """Stop the server of the database, as for an update, and start it again."""
        await run("docker", *self._command, "stop", DATABASE)
        await asyncio.sleep(seconds)
        await run("docker", *self._command, "start", DATABASE)

    async def volume(self) -> Path:
        """Where the shared state lies on this host."""
        name = f"{self._project}_state"
        return Path((await run("docker", "volume", "inspect", "--format", "{{.Mountpoint}}", name)).strip())

    async def remove(self) -> None:
        """Delete everything, the volume too."""
        await run("docker", *self._command, "down", "--volumes", "--timeout", "20")

    async def logs(self) -> str:
        """What all containers have written."""
        return await run("docker", *self._command, "logs", "--no-color")

    async def health(self) -> tuple[int, dict[str, Any]]:
        """Status and content of /health as a client on this host gets it; 0 where nothing answers within two seconds."""
        try:
            timeout = aiohttp.ClientTimeout(total=2)
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{self.url}/health") as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, {}


async def have_database_image() -> None:
    """Build the stand-in where the image of the compose file is not there and cannot be pulled."""
    for command in (("image", "inspect"), ("pull", "--quiet")):
        with contextlib.suppress(ComposeError):
            await run("docker", *command, DATABASE_IMAGE)
            return
    await run("docker", "build", "--quiet", "--tag", DATABASE_IMAGE, str(STAND_IN))


async def run(*command: str) -> str:
    """The output of a command. Raises ComposeError where it fails."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    output, _ = await child.communicate()
    text = output.decode(errors="replace")
    if child.returncode != 0:
        raise ComposeError(f"{' '.join(command)}: {text.strip()[-2000:]}")
    return text
