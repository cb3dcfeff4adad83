"""Evaluation, relaxation and dynamics of structures; tasks write no optimiser and no integrator of their own.

May import `harness.contracts`, `harness.materials`.
"""
