"""The room of the coordinator: one input in, effects out.

It decides nothing about names: `wiring.Rooms` builds every room with the doors it needs, and `Coordinator.handle` is the door
that routes inputs to them. `LostLeases` requeues what workers lost; `Status` and `SelfCheck` report on the whole.
"""
