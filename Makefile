# `make demo` and `make test` work from a fresh clone: both install what they need into .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-long check lint types floors docs clean

demo: .venv/ready
	$(BIN)/unveilify run pipelines/demo.yaml

# Two at a time, a file's tests together: they share what is dear to make.
test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-long: .venv/ready
	$(BIN)/python -m pytest -m long --timeout 3600

check: lint types floors docs test

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

floors: .venv/ready
	$(BIN)/lint-imports

docs: .venv/ready
	$(BIN)/zensical build --strict --clean

.venv/ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf .venv build dist site *.egg-info
