"""What the service says about itself: the problems it has, and what came back from whom.

Pure like the rest of the core; `common.core.coordinator.self_check` judges with it, the control process merges and shows.
"""
