"""The product's decisions, pure: no I/O, clock, randomness or environment. Time, ids and rng come in as arguments."""
