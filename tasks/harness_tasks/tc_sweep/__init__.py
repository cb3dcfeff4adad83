"""Task `tc_sweep`: the temperature at which sliding ferroelectricity ends.

May import `harness` and the packages by topic, no other task.
"""
