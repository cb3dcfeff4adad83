"""Hydra configuration groups of the harness."""
