"""What there is: plugins, their names, their parameters, their files, and where their numbers come from.

May import `harness.contracts`, `harness.materials`.
"""
