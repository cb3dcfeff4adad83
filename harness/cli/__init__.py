"""What the commands share: Hydra, the schema of the configuration, one line for every mistake, exit codes.

May import everything. The commands themselves are the modules of `harness`: `python -m harness.NAME`.
"""
