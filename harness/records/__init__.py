"""Records on disk, the values they are compared with, and whether they may be believed.

May import `harness.contracts` and `harness.registry`.
"""
