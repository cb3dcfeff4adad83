"""DFT labels of a material: checked, split, with or without a dispersion correction.

May import `harness.contracts`, `harness.registry`.
"""
