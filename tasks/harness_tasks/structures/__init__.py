"""Cells of layered materials, their registries, and their symmetry.

May import `harness` alone.
"""
