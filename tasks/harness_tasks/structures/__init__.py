"""Rectangular cells, bilayers, ribbons, and the registries of two layers.

May import `harness` alone.
"""
