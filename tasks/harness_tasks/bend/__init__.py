"""Task `bend`: a ribbon is compressed until it buckles.

May import `harness` and the packages by topic, no other task.
"""
