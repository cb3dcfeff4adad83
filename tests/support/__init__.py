"""Helpers of the tests; `from tests.support.checkpoints import Killed`."""
