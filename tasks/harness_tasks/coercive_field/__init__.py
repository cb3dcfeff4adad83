"""Task `coercive_field`: the field that switches a sliding ferroelectric.

May import `harness` and the packages by topic, no other task.
"""
