"""The one place that knows ZeroMQ: sockets, their options, and how they meet an asyncio loop.

Sockets of a coordinator: tasks (XPUB, one private topic per worker: `<worker>#<boot>;`), inbox (PULL), and the inner feed
(XPUB), which only processes of the instances reach. The feed process binds the public feed (XPUB), read by plain SUB sockets.
Everything else connects. Nothing here queues: what could not be sent is reported, never kept.

Only the coordinator of the instance that leads has these sockets, and their paths carry its epoch: a second bind on a path of
its predecessor would go unnoticed, and one that was stopped keeps its connections. Workers, control and the feed process of
each instance read in `leader.json` which one leads (`leader_watch`), and connect to another within half a second. BUS_ENDPOINT
is bound too, for workers on other hosts, which have no such file.

Subscribers may be anything, so they never touch the coordinator: the feed process passes on what its own subscribers want.
libzmq keeps each subscription of a peer in memory and takes what peers send until nothing waits. So frames at an XPUB socket
are at most 512 bytes, eight of one peer wait, and a feed process that holds more than 512 MiB ends and is started again. No
ZMTP heartbeats there: libzmq 4.3.5 aborts where one is due on a connection that broke while its input was stopped.
"""

from common.bus.bus_endpoints import worker_topic
from common.bus.coordinator_bus import CoordinatorBus, Feed
from common.bus.coordinator_link import InboxSender
from common.bus.curve_keys import KeyPair, feed_keys, generate_keys, inner_feed_keys
from common.bus.feed_subscriber import FeedSubscriber
from common.bus.leader_watch import LeaderWatch
from common.bus.leader_way import choose_way, leader_addresses
from common.bus.public_feed import PublicFeed
from common.bus.worker_bus import WorkerBus
from common.work_endpoints import inbox_endpoint, tasks_endpoint

__all__ = [
    "CoordinatorBus",
    "Feed",
    "FeedSubscriber",
    "InboxSender",
    "KeyPair",
    "LeaderWatch",
    "PublicFeed",
    "WorkerBus",
    "choose_way",
    "feed_keys",
    "generate_keys",
    "inbox_endpoint",
    "inner_feed_keys",
    "leader_addresses",
    "tasks_endpoint",
    "worker_topic",
]
