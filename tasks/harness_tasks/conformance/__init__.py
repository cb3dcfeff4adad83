"""Task `conformance`: derivatives, symmetries, smoothness, state and response of a potential.

May import `harness` and the packages by topic, no other task.
"""
