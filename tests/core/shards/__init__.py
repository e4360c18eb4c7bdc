"""Quick tests of the shards."""
