"""Potentials and polarization models whose answers are known in closed form; for tests and for trying out.

May import `harness` alone.
"""
