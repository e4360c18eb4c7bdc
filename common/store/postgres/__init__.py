"""The store on PostgreSQL, behind the same contract as the SQLite file: for several instances, also on several hosts.

| what | form | why |
|---|---|---|
| names, details, looks, tally | tables, changed in place | as many rows as names; HOT updates where no index is touched |
| events, ledger, finished deliveries | a partition per span of time, dropped as a whole | no dead rows |
| pending and parked deliveries | the partition `delivery_0`, which is never dropped | they stay until they are told |
| the fence | one row, read with a share lock as a transaction begins | a write of an earlier epoch changes nothing |
| the lease | one row, on the server's clock | see `lease_row` |

Every transaction is short: a batch of changes, or one call of a reader. Nothing holds a snapshot between two calls, so that
vacuum is never held up. No advisory locks: the server keeps those of a paused holder.

A divided watch list has all tables once for each shard, in schemas of their own (`schemas`), and its shards count their events
together (`event_sequence`).
"""
