"""A simulated world around the coordinator: its clock, its workers, its registries, and their failures."""
