"""Fits of potentials to data sets: the job, errors by split and family, parity plots, learning curves.

May import everything but `harness.testing` and `harness.cli`.
"""
