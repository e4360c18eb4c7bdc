"""What is special to leases on files: locks of processes that died, files that vanish or hold anything, full disks, races."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.config import Settings, load
from common.errors import LeaseLost, StoreError, StoreFull
from common.processes.leases import TTL
from common.store.file_leases import RECORD, FileLease, FileLeases
from common.store.lease_contract import Addresses, Lease
from tests.store.lease_scene import FileScene, addresses, take

#: Takes a lease, says so, and holds it until it is killed.
HOLDER = """
import sys, threading
from pathlib import Path
from common.store.file_leases import FileLeases
from tests.store.lease_scene import take

lease = take(FileLeases(Path(sys.argv[1]), lambda: 0), "child")
print(lease.leader.epoch, flush=True)
threading.Event().wait()
"""
#: Takes the lease again and again, notes each epoch it was given, and lets go of it: by release, or as a process that dies.
RACER = r"""
import os, sys
from pathlib import Path
from common.store.file_leases import FileLeases
from tests.store.lease_scene import addresses

database, log, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
notes = os.open(log, os.O_WRONLY | os.O_APPEND)
leases = FileLeases(database, lambda: 0)
for number in range(rounds):
    while (lease := leases.take("racer", str(os.getpid()), addresses)) is None:
        pass
    os.write(notes, b"%d begin %d\n" % (lease.leader.epoch, os.getpid()))
    lease.renew()
    os.write(notes, b"%d end %d\n" % (lease.leader.epoch, os.getpid()))
    if number % 3:
        lease.release()
    else:
        os.close(lease._held)
"""
#: A record that belongs into another file.
OTHER_EPOCH = b'{"leader":{"instance":"x","boot":"x","epoch":9,"bus":"","feed":""},"renewed_at":1}'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a store in a directory of its own."""
    return load({"STATE_DIR": str(tmp_path), "STORE_URL": f"sqlite:///{tmp_path}/deep/store [x]?.db"})


@pytest.fixture
def scene(settings: Settings) -> FileScene:
    """Leases in virtual time."""
    return FileScene(settings)


def lease_files(settings: Settings) -> list[str]:
    """The end of the name of each file of the leases."""
    names = [path.name for path in settings.store_path.parent.iterdir()]
    return sorted(name.partition(".lease-")[2] for name in names if ".lease-" in name)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Writes beyond this size fail, as all that need room do on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def holder(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds a lease."""
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(settings.store_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child:
        assert child.stdout.readline() == b"1\n"
        yield child
        child.kill()


def test_the_lease_of_a_process_that_died_is_free_at_once(settings: Settings, scene: FileScene) -> None:
    """Its lock goes with it: no time has to pass."""
    with holder(settings) as child:
        leases = scene.open()
        found = leases.find()
        assert found is not None
        assert found.instance == "child"
        assert leases.take("two", "b", addresses) is None
        child.kill()
        child.wait()
        assert leases.find() is None
        assert take(leases, "two").leader.epoch == 2


def test_the_lease_of_a_process_that_was_stopped_runs_out(settings: Settings, scene: FileScene) -> None:
    """Its lock stays with it: another waits for the time to live, and takes over beside the lock."""
    with holder(settings) as child:
        child.send_signal(signal.SIGSTOP)
        leases = scene.open()
        assert leases.find() is not None
        scene.pass_time(TTL)
        assert take(leases, "two").leader.epoch == 2


def test_processes_that_race_for_a_lease_never_share_an_epoch(settings: Settings, tmp_path: Path) -> None:
    """Four processes, hundreds of leases, released or dropped like those of a process that died."""
    settings.store_path.parent.mkdir()
    log = tmp_path / "log"
    log.touch()
    command = [sys.executable, "-c", RACER, str(settings.store_path), str(log), "60"]
    racers = [subprocess.Popen(command) for _ in range(4)]
    assert [racer.wait(120) for racer in racers] == [0] * 4

    notes = [line.split() for line in log.read_text(encoding="ascii").splitlines()]
    begun = [int(epoch) for epoch, what, _ in notes if what == "begin"]
    assert begun == sorted(set(begun))
    assert len(begun) == 240
    pairs = zip(notes[::2], notes[1::2], strict=True)
    assert all(first[::2] == second[::2] and (first[1], second[1]) == ("begin", "end") for first, second in pairs)


def test_one_that_was_slow_gets_no_epoch_that_was_given_before(settings: Settings, scene: FileScene) -> None:
    """While it took the first epoch, others had it and two more, and tidied up: the name of its file was free again."""

    def while_others_lead(epoch: int) -> Addresses:
        assert epoch == 1
        for _ in range(2):
            take(scene.open()).release()
        last.append(take(scene.open()))
        return addresses(epoch)

    last: list[Lease] = []
    leases = scene.open()
    assert leases.take("slow", "b", while_others_lead) is None
    assert leases.find() == last[0].leader
    assert last[0].leader.epoch == 3
    assert lease_files(settings) == ["2", "3"]


def test_a_lease_that_is_renewed_while_another_takes_it_stays(settings: Settings, scene: FileScene) -> None:
    """Its holder was slow, not gone: it goes on, and the other has no lease."""
    holder, other = take(scene.open()), scene.open()

    def while_the_holder_renews(epoch: int) -> Addresses:
        holder.renew()
        return addresses(epoch)

    assert other.find() == holder.leader
    scene.pass_time(TTL)
    assert other.take("two", "b", while_the_holder_renews) is None
    assert holder.is_valid()
    holder.renew()
    assert other.find() == holder.leader
    assert lease_files(settings) == ["1"]


def test_one_that_reads_the_epoch_of_the_store_sees_its_holder(settings: Settings) -> None:
    """An epoch that another took and wrote in between is no free one."""

    def while_another_leads() -> int:
        last.append(take(FileLeases(settings.store_path, lambda: 0)))
        return 1

    last: list[Lease] = []
    assert FileLeases(settings.store_path, while_another_leads).take("slow", "b", addresses) is None
    assert last[0].is_valid()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"[" * 100_000,
        b"{}",
        b'{"leader":{"instance":"x","boot":"x","epoch":9,"bus":"","feed":""},"renewed_at":1}',
    ],
)
def test_a_damaged_record_is_an_error_until_it_runs_out(settings: Settings, scene: FileScene, content: bytes) -> None:
    """Its holder lives and repairs it with the next renewal; where it does not, another takes over."""
    lease, other = take(scene.open()), scene.open()
    path = settings.store_path.with_name(f"{settings.store_path.name}.lease-1")
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        other.find()
    assert other.take("two", "b", addresses) is None
    lease.renew()
    assert other.find() == lease.leader
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        other.find()
    scene.pass_time(TTL)
    assert other.find() is None
    assert take(other, "two").leader.epoch == 2


def test_a_damaged_record_without_a_holder_is_free(settings: Settings, scene: FileScene) -> None:
    """What a crash of the machine left; its epoch counts."""
    settings.store_path.parent.mkdir()
    settings.store_path.with_name(f"{settings.store_path.name}.lease-7").write_bytes(b"\0" * 100)
    leases = scene.open()

    assert leases.find() is None
    assert take(leases).leader.epoch == 8


@pytest.mark.parametrize("name", ["x", "-1", "0", "01", "1x", "9" * 30, ""])
def test_files_of_other_names_do_not_count(settings: Settings, scene: FileScene, name: str) -> None:
    """Whatever lies beside the database."""
    settings.store_path.parent.mkdir()
    settings.store_path.with_name(f"{settings.store_path.name}.lease-{name}").touch()

    assert take(scene.open()).leader.epoch == 1


@pytest.mark.parametrize(
    ("make", "told"),
    [(os.mkfifo, "is no file"), (os.mkdir, "is no file"), (lambda path: path.symlink_to("/etc/passwd"), "symbolic links")],
)
def test_what_is_no_file_is_named(settings: Settings, scene: FileScene, make: Callable[[Path], None], told: str) -> None:
    """It is neither followed nor waited for."""
    settings.store_path.parent.mkdir()
    make(settings.store_path.with_name(f"{settings.store_path.name}.lease-3"))
    leases = scene.open()
    for call in (leases.find, lambda: leases.take("one", "b", addresses)):
        with pytest.raises(StoreError, match=told):
            call()


def move(path: Path) -> None:
    """The same file under another name."""
    path.rename(path.with_suffix(".away"))


def replace(path: Path) -> None:
    """Another file in its place."""
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)


@pytest.mark.parametrize("spoil", [Path.unlink, move, replace])
def test_a_lease_whose_file_is_gone_is_lost(settings: Settings, scene: FileScene, spoil: Callable[[Path], object]) -> None:
    """Deleted, moved or replaced: others cannot see any more that it is held, so its holder must not go on."""
    lease = take(scene.open())
    spoil(settings.store_path.with_name(f"{settings.store_path.name}.lease-1"))
    with pytest.raises(LeaseLost, match=r"deleted|replaced"):
        lease.renew()

    assert not lease.is_valid()


def test_a_full_disk_ends_no_lease(settings: Settings, scene: FileScene) -> None:
    """A renewal needs no room; where it fails all the same it is tried again, and the lease lasts as long as it did."""
    lease = take(scene.open())
    path = settings.store_path.with_name(f"{settings.store_path.name}.lease-1")
    before = path.stat()
    with files_limited_to(RECORD):
        for _ in range(5):
            scene.pass_time(TTL)
            lease.renew()
    assert lease.is_valid()
    assert (path.stat().st_ino, path.stat().st_size, before.st_size) == (before.st_ino, RECORD, RECORD)
    scene.pass_time(1.0)
    with files_limited_to(0), pytest.raises(StoreError, match="lease"):
        lease.renew()
    assert lease.is_valid()
    lease.renew()


@pytest.mark.parametrize("room", [0, 1])
def test_a_renewal_for_which_there_is_no_room_says_so(scene: FileScene, room: int) -> None:
    """As on a file system that never writes in place; half a record is none."""
    lease = take(scene.open())
    assert isinstance(lease, FileLease)
    held = lease._held
    if not room:
        lease._held = os.open("/dev/full", os.O_RDWR)
    with files_limited_to(RECORD // 2 if room else RECORD), pytest.raises(StoreFull, match="disk is full"):
        lease.renew()
    if not room:
        os.close(lease._held)
        lease._held = held
    lease.renew()
    lease.release()


def test_looks_and_refusals_keep_no_file_open(settings: Settings, scene: FileScene) -> None:
    """Four looks a second for years."""
    lease, other = take(scene.open()), scene.open()

    def look() -> int:
        other.find()
        assert other.take("two", "b", addresses) is None
        return len(list(Path("/proc/self/fd").iterdir()))

    def while_the_holder_renews(epoch: int) -> Addresses:
        lease.renew()
        return addresses(epoch)

    before = look()
    scene.pass_time(TTL)
    assert other.take("two", "b", while_the_holder_renews) is None
    settings.store_path.with_name(f"{settings.store_path.name}.lease-draft-live").mkdir()
    assert look() == before
    for _ in range(3):
        lease.release()
        lease = take(scene.open())
    assert look() == before
    settings.store_path.with_name(f"{settings.store_path.name}.lease-9").mkdir()
    with pytest.raises(StoreError, match="no file"):
        other.find()
    settings.store_path.with_name(f"{settings.store_path.name}.lease-9").rmdir()
    assert look() == before
    lease.release()


def test_a_disk_without_room_for_a_lease_gives_none(settings: Settings, scene: FileScene) -> None:
    """It says so, leaves nothing behind, and gives one when there is room."""
    leases = scene.open()
    with files_limited_to(0), pytest.raises(StoreError, match="lease"):
        leases.take("one", "b", addresses)
    assert lease_files(settings) == []
    take(leases)


def test_what_earlier_leases_left_is_removed(settings: Settings, scene: FileScene) -> None:
    """All files but the last two, and drafts whose process died; a draft that is locked stays."""
    for _ in range(4):
        take(scene.open()).release()
    database = settings.store_path
    database.with_name(f"{database.name}.lease-draft-dead").touch()
    take(scene.open()).release()

    assert lease_files(settings) == ["4", "5"]


def test_an_instance_whose_name_fits_no_record_is_told(scene: FileScene) -> None:
    """Rather than half of it be written."""
    with pytest.raises(StoreError, match="too long"):
        scene.open().take("x" * RECORD, "b", addresses)
