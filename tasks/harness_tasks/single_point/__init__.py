"""Task `single_point`: energy, forces, stress and dipole of a structure.

May import `harness` and the packages by topic, no other task.
"""
