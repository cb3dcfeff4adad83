"""Checkpoints of series of points.

May import `harness` alone.
"""
