# Everything starts from a fresh clone: each target makes the environment it needs in .venv.
PYTHON ?= python3
export PIP_DISABLE_PIP_VERSION_CHECK = 1
RUN = .venv/bin/python -m

.PHONY: demo test check bench clean

demo: .venv/ready
	@.venv/bin/codalab-nb demo

test: check
	$(RUN) pytest tests/contract tests/integration
	$(RUN) pytest tests/browser
	$(RUN) pytest tests/chaos

check: .venv/ready-dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	.venv/bin/lint-imports
	$(RUN) pytest -n auto tests/unit tests/model

bench: .venv/ready-dev
	$(RUN) tests.bench

.venv/ready: pyproject.toml tools/bootstrap
	@sh tools/bootstrap "$(PYTHON)" .venv "[analysis]"
	@touch $@

.venv/ready-dev: pyproject.toml tools/bootstrap
	@sh tools/bootstrap "$(PYTHON)" .venv "[dev]"
	@touch $@ .venv/ready

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
