"""One run: its identity, the environment and process that it happens in, its checkpoints, progress and figures.

May import everything but `harness.fitting`, `harness.testing` and `harness.cli`.
"""
