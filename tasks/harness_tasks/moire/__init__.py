"""Moiré bilayers: cells, local registry, landscape, elastic sheets, relaxation, polarization.

May import `structures`, `polarization`, `sliding_path`.
"""
