"""Task `interlayer`: binding of two layers.

May import `harness` and the packages by topic, no other task.
"""
