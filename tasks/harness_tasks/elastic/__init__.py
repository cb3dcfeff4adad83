"""Task `elastic`: elastic constants of a sheet.

May import `harness` and the packages by topic, no other task.
"""
