"""Strained sheets: strain series, virial, force constants, slopes, tension tests.

May import `structures`, `polarization`.
"""
