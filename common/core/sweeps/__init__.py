"""The room of sweeps: how thousands of names of one suffix are checked together by DNS.

Owns the queue of each suffix (`SweepQueues`) and the batches under way. Its doors: `DueNames` takes names that are due,
`SweepDispatch` sends batches, `SweepResults` takes what they found, `SweepFallback` returns names that no sweep can serve.
"""
