"""Task `polarization_pattern`: local polarization of moiré bilayers.

May import `harness` and the packages by topic, no other task.
"""
