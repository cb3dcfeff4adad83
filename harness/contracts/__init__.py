"""What a potential, a polarization model, a task, a report, a fitter, an engine and a record have to offer.

Types only. It imports `harness.errors` and nothing else of this project.
"""
