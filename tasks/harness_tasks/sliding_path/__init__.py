"""Two layers on the path AB-SP-BA and at any registry.

May import `structures`, `polarization`.
"""
