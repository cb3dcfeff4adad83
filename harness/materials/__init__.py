"""What is known of a crystal without a potential: layers, bonds, neighbours.

May import `harness.contracts`.
"""
