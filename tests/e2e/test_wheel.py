"""What `pip install .` puts on a machine works without the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actors.supervised import Lines, rows, settings_of

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[2]
#: What a build is given: the packages, and the files that pyproject.toml names.
SOURCES = ("actors", "common", "pyproject.toml", "README.md", "LICENSE", "supervisord.conf")


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """A clean virtual environment with the wheel; what the wheel depends on is taken from ours."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        base = Path(name)
        source, target = base / "source", base / "venv"
        source.mkdir()
        for item in SOURCES:
            copy = shutil.copytree if (ROOT / item).is_dir() else shutil.copy
            copy(ROOT / item, source / item)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(base), str(source)]
        subprocess.run([*pip, *build], check=True, capture_output=True, timeout=60)
        venv.create(target, symlinks=True)
        (wheel,) = base.glob("*.whl")
        python = str(target / "bin" / "python")
        install = ["--python", python, "install", "--no-deps", "--no-index", str(wheel)]
        subprocess.run([*pip, *install], check=True, capture_output=True, timeout=60)
        (packages,) = target.glob("lib/python*/site-packages")
        (packages / "ours.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        yield target


def test_supervise_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """Every process comes up from the wheel alone, and SIGTERM ends all of them with 0."""
    settings = {**os.environ, **settings_of(tmp_path), "DOMAIN_API_URL": "http://127.0.0.1:1/"}
    settings.pop("PYTHONPATH")
    reading, writing = os.pipe()
    command = [str(installed / "bin" / "domain-monitor"), "supervise"]
    with subprocess.Popen(command, cwd=tmp_path, env=settings, stdout=writing, stderr=writing) as process:
        os.close(writing)
        lines = Lines(lambda size: os.read(reading, size))
        try:
            lines.until('"event":"running"')
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()
    told = rows(lines.until_end())
    os.close(reading)

    started = {row["actor"] for row in told if row["event"] == "started"}
    assert started >= {"coordinator", "control", "checker-fast-0", "checker-intermediate-0", "checker-deep-0", "notifier-0"}
    assert not [row for row in told if row["event"] == "output" and "Traceback" in row["line"]]
