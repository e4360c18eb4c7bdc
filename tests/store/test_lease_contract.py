"""What every kind of lease promises."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from common.config import Settings
from common.errors import LeaseLost
from common.processes.leases import MARGIN, RENEW_EVERY, TTL
from common.store.lease_contract import Leader, RemoteLeases
from common.store.writer import open_writer
from tests.store.lease_scene import Scene, addresses, open_scene, take


@pytest.fixture
def scene(settings: Settings) -> Iterator[Scene]:
    """Leases of an empty store of each kind."""
    opened = open_scene(settings)
    yield opened
    opened.close()


def test_the_first_instance_leads_and_all_find_it(scene: Scene) -> None:
    """With its epoch, the run of its coordinator, and where it is reached; the others get no lease."""
    one, two = scene.open(), scene.open()
    assert one.find() is None
    lease = take(one)

    assert lease.leader == Leader("one", "boot of one", 1, "ipc://bus-1", "ipc://feed-1", "key")
    assert one.find() == two.find() == lease.leader
    assert two.take("two", "b", addresses) is None
    assert one.take("one", "b", addresses) is None
    assert lease.is_valid()


def test_a_lease_that_is_renewed_lasts(scene: Scene) -> None:
    """For as long as renewals come, seen from its holder and from others."""
    lease, other = take(scene.open()), scene.open()
    for _ in range(20):
        assert other.find() == lease.leader
        scene.pass_time(RENEW_EVERY)
        assert lease.is_valid()
        lease.renew()
    assert other.take("two", "b", addresses) is None


def test_a_lease_over_a_server_tells_whether_it_was_given_up(scene: Scene) -> None:
    """Not while it lasts, nor where it ran out; where it was released, or another one has taken over."""
    one, two = scene.open(), scene.open()
    if not isinstance(two, RemoteLeases):
        return
    lease = take(one)
    given_up = partial(two.is_released, lease.leader.epoch, lease.leader.boot)
    assert not given_up()
    scene.pass_time(TTL + MARGIN)
    assert not given_up()
    lease.release()
    assert given_up()
    assert not two.is_released(lease.leader.epoch, "another run")
    take(two, "two")
    assert given_up()
    assert two.is_released(lease.leader.epoch, "another run")


def test_the_lease_of_a_leader_that_ended_is_given_up_for_it(scene: Scene) -> None:
    """At once; not that of another run, nor that of the one that took over."""
    one, two = scene.open(), scene.open()
    if not isinstance(two, RemoteLeases):
        return
    lease = take(one)
    two.release_ended(lease.leader.epoch, "another run")
    two.release_ended(lease.leader.epoch - 1, lease.leader.boot)
    assert two.find() == lease.leader
    two.release_ended(lease.leader.epoch, lease.leader.boot)
    assert two.find() is None
    later = take(two, "two")
    one.release_ended(lease.leader.epoch, lease.leader.boot)
    assert one.find() == later.leader
    with pytest.raises(LeaseLost):
        lease.renew()


def test_a_lease_that_is_not_renewed_goes_to_another(scene: Scene) -> None:
    """Its holder stops relying on it first; afterwards it is refused, and told by which instance."""
    lease, other = take(scene.open()), scene.open()
    assert other.find() == lease.leader
    scene.pass_time(TTL - MARGIN)
    assert not lease.is_valid()
    assert other.find() == lease.leader
    scene.pass_time(MARGIN)
    assert other.find() is None
    later = take(other, "two")

    assert later.leader.epoch == 2
    for _ in range(2):
        with pytest.raises(LeaseLost, match=r"two.*epoch 2"):
            lease.renew()
        assert not lease.is_valid()
    assert later.is_valid()
    lease.release()
    assert other.find() == later.leader


def test_a_lease_that_ran_out_is_renewed_where_there_is_no_other(scene: Scene) -> None:
    """An instance that got no CPU for long, or whose machine slept, goes on."""
    lease, other = take(scene.open()), scene.open()
    assert other.find() == lease.leader
    scene.pass_time(100 * TTL)
    assert not lease.is_valid()
    lease.renew()

    assert lease.is_valid()
    assert other.find() == lease.leader
    assert other.take("two", "b", addresses) is None


def test_a_lease_that_is_released_goes_to_another_at_once(scene: Scene) -> None:
    """In a higher epoch; to release it twice is harmless, and it cannot be renewed."""
    lease, other = take(scene.open()), scene.open()
    lease.release()
    lease.release()
    assert other.find() is None
    assert not lease.is_valid()
    assert take(other, "two").leader.epoch == 2
    with pytest.raises(LeaseLost):
        lease.renew()


def test_leases_that_are_closed_release_no_lease(scene: Scene) -> None:
    """Closing twice is harmless."""
    one, two = scene.open(), scene.open()
    lease = take(one)
    one.close()
    one.close()

    assert two.find() == lease.leader


def test_epochs_only_rise(scene: Scene, settings: Settings) -> None:
    """Above each other, and above the epoch in which the store was opened last."""
    epochs = []
    for instance in ("one", "two", "one", "three"):
        lease = take(scene.open(), instance)
        epochs.append(lease.leader.epoch)
        lease.release()
    open_writer(settings, 90).close()
    epochs.append(take(scene.open()).leader.epoch)

    assert epochs == [1, 2, 3, 4, 91]


def test_of_many_that_take_at_once_one_leads(scene: Scene) -> None:
    """In every round another epoch, with one holder."""
    instances = [scene.open() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        for epoch in range(1, 40):
            taken = list(threads.map(lambda leases: leases.take("x", "b", addresses), instances))
            (lease,) = [lease for lease in taken if lease is not None]
            assert lease.leader.epoch == epoch
            lease.release()
