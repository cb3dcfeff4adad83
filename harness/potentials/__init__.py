"""What potentials are built on: an ASE calculator of one method, weights that come with a package, torch's state.

May import `harness.contracts` and `harness.registry`.
"""
