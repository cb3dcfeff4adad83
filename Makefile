# Shortcuts; each makes what it needs. `make bend` is the main job, `make test` the base suite.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: bend test bench lint report clean

$(BIN)/harness: pyproject.toml requirements-dev.txt plugins/*/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -r requirements-dev.txt
	touch $@

bend: $(BIN)/harness
	$(BIN)/python -m harness task=bend potential=mtp_cd

report: $(BIN)/harness
	$(BIN)/python -m harness.report runs

test: $(BIN)/harness
	$(BIN)/pytest -n auto

bench: $(BIN)/harness
	$(BIN)/pytest tests/bench --benchmark-only --benchmark-json=benchmark.json

lint: $(BIN)/harness
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
