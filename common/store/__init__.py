"""The store: one transaction writes a decision with its event and its deliveries; readers read at any time.

It is an SQLite file, or lies in PostgreSQL (`common.store.postgres`) behind the same contract.
`common.store.writer` and `common.store.reader` open it: a reader does not load what the one writer needs. The coordinator of
the instance that leads has the only writing connection (WAL, `synchronous=FULL`). A failed commit ends the run: memory may be
ahead of the store. Only where the disk is full it is tried again until there is room, and no check begins meanwhile.

Of several instances one leads, the holder of a lease (`lease_contract`): renewed every 1.5 s, it runs out after 6 s, and the
epoch of its next holder is higher. Opening the store writes the epoch into it, and each transaction checks it there: an
instance that was stopped, and goes on after another has taken over, writes nothing any more (`fence`). The embedded store has
its leases in files beside the database (`file_leases`), locked by flock: the lease of a process that died is free at once. They
have to be on a disk of this machine, which containers may share: network file systems are not supported. An instance that was
stopped in the middle of a transaction keeps SQLite's lock: the next one goes on in a copy of the file, `<database>.g<epoch>`,
and every reader with it (`generations`).

| what | stored as | when |
|---|---|---|
| a name changed, or it was checked | its row, and its evidence as one encoded `Detail` | at once for a new state, or in 15 s |
| a sweep found it as it was | 40 bytes in a block of 256 names | every 15 s, blocks that changed |
| a first look by sweep | the state of many rows at once | with the next commits, in pieces |
| the list | new rows, and columns of known ones | the same |
| events, deliveries, ledger, trust, budgets | rows of their own | with the transaction of what caused them |

Of a row and a last look the younger counts, for the coordinator at its start as for every reader. After `kill -9` every name
that was due, queued, admitted or in a check is due at once. No time that is loaded may lie in the future. Beside the rows every
4,096 names are packed into one compressed blob, from which a start reads five times as fast; a trigger notes rows that were
touched since.

A database that is deleted, moved or replaced under the running process ends the run at the next write, and a marker beside it
(`.begun`) keeps the next start from beginning with an empty one. Ids of names are never given again.
"""
