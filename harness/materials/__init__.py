"""What is known of a crystal without a potential: prototypes, structure files, layers, bonds, symmetry.

May import `harness.contracts`.
"""
