"""Task `accuracy`: errors on frames of DFT that no fit saw.

May import `harness` and the packages by topic, no other task.
"""
