"""Wire types: everything that travels between our processes, in one file, versioned, frozen.

Encoded as msgpack arrays by `common.codec` (the feed alone uses plain maps: other programs read it). Every text, number and
collection is bounded, so decoding is also validating. `VERSION` is an integer; a peer of another version is refused, never
guessed at.

Worker -> coordinator (PUSH to the inbox): Credit, Results, SweepDetails, SweepResult, DeliveryResults, Bye.
Control -> coordinator (PUSH to the inbox): Command.
Reader of publications -> coordinator (PUSH to the inbox): PublicationPart, PublicationStatus.
Coordinator that stands by -> the one that leads (PUSH to its inbox): Promise.
Coordinator -> worker (XPUB, topic of that worker): Tasks, Sweep, Deliveries, ByeAck; and Pulse, which the bus itself sends.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.core.model.evidence import Count, Milliseconds, Moment, Observation, Serial, Short, Wait
from common.core.model.publication import MOST_LISTED, ListedName

VERSION = 3
#: Largest frame accepted on the bus, in bytes.
MAX_FRAME = 4 << 20
#: Most tasks, results or deliveries in one message.
MAX_BATCH = 256
#: Most names in one sweep, and most addresses that can have answered it.
MAX_SWEEP, MAX_ADDRESSES = 4096, 64
#: Highest count of queries of one sweep that is told: each name may be asked about several times.
MOST_COUNTED = 16 * MAX_SWEEP

#: Most methods that a worker can know.
MOST_METHODS = 64

Name = Annotated[str, Meta(max_length=253)]
Word = Annotated[str, Meta(max_length=120)]
Param = Annotated[str, Meta(max_length=500)]
#: What has a topic on the bus is made of: printable ASCII without the marks that part it.
Topical = Annotated[str, Meta(pattern=r"^[!\"$-:<-~]{1,120}\Z")]
Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Place = Annotated[int, Meta(ge=0, lt=MAX_SWEEP)]
Budget = Annotated[int, Meta(ge=0, le=10**9)]  # milliseconds


class Credit(Struct, frozen=True, array_like=True, tag="credit"):
    """A worker is here and can take `free` more: absolute numbers, so a lost one heals with the next (every 2 s).

    `seen` is the highest task sequence received: the coordinator subtracts what is still under way to the worker. Sweeps have
    places of their own (`sweeps` of them are free), and take none from single tasks.
    """

    version: Count
    worker: Topical  # <pool>-<slot>@<host>; stable over restarts
    boot: Topical  # random per start of the process
    pool: Word  # fast | intermediate | deep | notifier
    egress: Word
    methods: Annotated[tuple[Word, ...], Meta(max_length=MOST_METHODS)]
    slots: Count
    free: Count
    seen: Sequence
    restarts: Sequence = 0
    sweeps: Count = 0


class Bye(Struct, frozen=True, array_like=True, tag="bye"):
    """The worker is draining: send nothing more, what it does not return is lost."""

    worker: Topical
    boot: Topical


class ByeAck(Struct, frozen=True, array_like=True, tag="bye_ack"):
    """The last sequence sent to a draining worker: it may leave once it has seen that."""

    last: Sequence


class Pulse(Struct, frozen=True, array_like=True, tag="pulse"):
    """The coordinator of this epoch leads, and its work loop turns: to every worker that is there, every 2 s."""

    epoch: Sequence


class Task(Struct, frozen=True, array_like=True):
    """Ask one method about one name. `budget_ms` is relative: hosts need no common clock."""

    attempt: Word  # <coordinator boot>.<seq>
    seq: Sequence
    method: Word
    domain: Name
    suffix: Name
    server: Param = ""  # base URL (rdap), host[:port] (das, whois), "" where the checker finds it (dns, http)
    budget_ms: Budget = 10_000
    confirm: bool = False  # second pass: another address, and TCP where the method knows it
    spare: Short = ""  # the address that gave the answer to be confirmed, as in an observation
    call: Sequence = 0  # tasks with the same number, other than 0, are one call of a method that takes several names at once


class Tasks(Struct, frozen=True, array_like=True, tag="tasks"):
    """A batch of tasks for one worker."""

    tasks: Annotated[tuple[Task, ...], Meta(max_length=MAX_BATCH)]


class Result(Struct, frozen=True, array_like=True):
    """The answer to one attempt; `returned` hands it back unasked (full, draining, no turn at the server)."""

    attempt: Word
    observation: Observation | None = None
    returned: bool = False


class Results(Struct, frozen=True, array_like=True, tag="results"):
    """A batch of results of one worker, with its fresh credit."""

    credit: Credit
    results: Annotated[tuple[Result, ...], Meta(max_length=MAX_BATCH)]


class Sweep(Struct, frozen=True, array_like=True, tag="sweep"):
    """Ask DNS about many names of one suffix at once.

    `labels` are the names without their suffix, joined by line feeds, `count` of them, one label each. `pace` is in queries
    per second to each address of the suffix, None for as many as its window lets through.
    """

    attempt: Word  # <coordinator boot>.<seq>
    seq: Sequence
    suffix: Name
    labels: Annotated[str, Meta(max_length=MAX_SWEEP * 64)]
    count: Annotated[int, Meta(ge=1, le=MAX_SWEEP)]
    pace: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    budget_ms: Budget = 30_000


class SweepDetails(Struct, frozen=True, array_like=True, tag="swept_odd"):
    """Whole answers of a sweep, by place, that do not fit into its SweepResult; sent before that, which ends the sweep."""

    credit: Credit
    attempt: Word
    observations: Annotated[dict[Place, Observation], Meta(max_length=MAX_BATCH)] = {}


class SweepResult(Struct, frozen=True, array_like=True, tag="swept"):
    """What a sweep found out, with the worker's fresh credit; per name, in the order asked, one byte.

    `codes` are of `common.core.parsers.dns_fast` (OPEN where no server answered in time), `served` the place in `addresses` of
    the server that answered, 255 for none. `observations` has the whole answer about names with code UNUSUAL, by place, at most
    MAX_BATCH of them: the others went ahead as SweepDetails, and one that never arrived is a name to be asked about again.
    `trouble` says why no server could be asked, or none answered, `returned` that no query was sent. `refused` counts the
    refusals, told here or ahead: many of them count as a rate limit, and names with code UNASKED were left out because of it.
    `asked` counts the queries sent (0: not counted), `lost` those that no answer came to in time, `truncated` the answers that
    were cut short; `delay_ms` is the median time from a query to its answer.
    """

    credit: Credit
    attempt: Word
    codes: Annotated[bytes, Meta(max_length=MAX_SWEEP)] = b""
    served: Annotated[bytes, Meta(max_length=MAX_SWEEP)] = b""
    server: Word = ""  # the zone that was asked
    width: Count = 0  # how many addresses serve the suffix
    addresses: Annotated[tuple[Word, ...], Meta(max_length=MAX_ADDRESSES)] = ()
    serial: Serial | None = None  # the oldest SOA serial behind an NXDOMAIN
    fresh_at: Moment | None = None  # epoch seconds, where the serial tells
    duration_ms: Milliseconds = 0.0
    observations: Annotated[dict[Place, Observation], Meta(max_length=MAX_BATCH)] = {}
    trouble: Observation | None = None
    returned: bool = False
    refused: Annotated[int, Meta(ge=0, le=MAX_SWEEP)] = 0
    asked: Annotated[int, Meta(ge=0, le=MOST_COUNTED)] = 0
    lost: Annotated[int, Meta(ge=0, le=MOST_COUNTED)] = 0
    truncated: Annotated[int, Meta(ge=0, le=MOST_COUNTED)] = 0
    delay_ms: Milliseconds | None = None


class Delivery(Struct, frozen=True, array_like=True):
    """One POST to make. `body` is the exact bytes, frozen when the event was recorded."""

    attempt: Word
    seq: Sequence
    event_id: Word  # webhook-id
    domain: Name
    number: Sequence  # which try this is, from 1
    body: Annotated[bytes, Meta(max_length=65_536)]
    budget_ms: Budget = 20_000
    replay: bool = False


class Deliveries(Struct, frozen=True, array_like=True, tag="deliveries"):
    """A batch of deliveries for one notifier."""

    deliveries: Annotated[tuple[Delivery, ...], Meta(max_length=MAX_BATCH)]


class DeliveryResult(Struct, frozen=True, array_like=True):
    """How one POST ended: `status` 0 where no answer came; `retry_after` in seconds."""

    attempt: Word
    status: Annotated[int, Meta(ge=0, le=999)] = 0
    error: Param = ""
    duration_ms: Milliseconds = 0.0
    retry_after: Wait | None = None
    returned: bool = False


class DeliveryResults(Struct, frozen=True, array_like=True, tag="delivery_results"):
    """A batch of delivery results of one notifier, with its fresh credit."""

    credit: Credit
    results: Annotated[tuple[DeliveryResult, ...], Meta(max_length=MAX_BATCH)]


class Command(Struct, frozen=True, array_like=True, tag="command"):
    """A changing call of the control API.

    `verb`: refresh | check | replay | reset_metrics | reset_budget; `target`: a name, a delivery id or an operator.
    """

    verb: Word
    target: Name = ""
    sender: Word = ""


class Promise(Struct, frozen=True, array_like=True, tag="promise"):
    """An instance that finds the store away takes no lease for a while, see `common.processes.consents`.

    `epoch` and `boot` are those of the leader that it is sent to, `sent_at` is in epoch seconds.
    """

    instance: Word
    epoch: Sequence
    boot: Word
    sent_at: Moment


class PublicationPart(Struct, frozen=True, array_like=True, tag="publication_part"):
    """Part `number` (from 0) of one reading of a publication: watched names that stand in it. Times in epoch seconds.

    The parts of a reading share `made_at` and `read_at`; `last` ends it, and is sent once the publication is proved whole.
    `total` is how many names it holds, watched or not. An empty reading is one part without names.
    """

    publication: Word
    made_at: Moment
    read_at: Moment
    number: Annotated[int, Meta(ge=0, le=100_000)]
    last: bool
    total: Sequence
    names: Annotated[tuple[ListedName, ...], Meta(max_length=MOST_LISTED)]


class PublicationStatus(Struct, frozen=True, array_like=True, tag="publication_status"):
    """How the last reading of a publication went; `problem` is "" where it went well. Times in epoch seconds.

    `made_at` None where nothing was read; `size` in bytes, `seconds` that it took. Of a stream of certificates, which has no
    readings, `made_at` is when its last certificate came, and `size` how many names came since its reader connected.
    """

    publication: Word
    checked_at: Moment
    made_at: Moment | None
    problem: Short
    size: Sequence
    seconds: Annotated[float, Meta(ge=0, le=1e6)]


Upward = (
    Credit
    | Bye
    | Results
    | SweepDetails
    | SweepResult
    | DeliveryResults
    | Command
    | Promise
    | PublicationPart
    | PublicationStatus
)
Downward = Tasks | Sweep | Deliveries | ByeAck
