"""Dipoles of sheets and of their parts, forces in a field, the potential above a surface.

May import `structures`.
"""
