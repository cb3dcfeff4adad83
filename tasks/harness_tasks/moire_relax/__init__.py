"""Task `moire_relax`: relaxed moiré bilayers.

May import `harness` and the packages by topic, no other task.
"""
