"""Task `sliding`: energy and polarization over the registry of two layers.

May import `harness` and the packages by topic, no other task.
"""
