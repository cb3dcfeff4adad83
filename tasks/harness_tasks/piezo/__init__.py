"""Task `piezo`: piezoelectric coefficients of a sheet.

May import `harness` and the packages by topic, no other task.
"""
