# Everything starts from a fresh clone: each target makes the environment it needs in .venv.
PYTHON ?= python3
export PIP_DISABLE_PIP_VERSION_CHECK = 1
RUN = .venv/bin/python -m
# These wait for services and processes more than they compute; each file has services of its own. As they are listed,
# the longest first: xdist itself would begin with the files of most tests, and end with the longest one alone.
AZURE = -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: demo lab test check extension extension-check bench clean

demo: .venv/ready
	@.venv/bin/codalab-nb demo

# JupyterLab with the extension, on the results of the demo. CODALAB_NB_HOME names another home.
lab: extension
	@.venv/bin/codalab-nb demo --lab

test: check extension-check
	$(RUN) pytest tests/contract/test_local.py tests/contract/test_ordered.py tests/integration --ignore=tests/integration/azure
	$(RUN) pytest $(AZURE) tests/chaos/azure tests/contract/test_azure_store.py tests/contract/test_servicebus.py tests/integration/azure
	$(RUN) pytest tests/browser
	$(RUN) pytest tests/chaos --ignore=tests/chaos/azure

check: .venv/ready-dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	.venv/bin/lint-imports
	$(RUN) pytest -n auto tests/unit tests/model

# Nothing is built that is current; Node comes from the environment, none is needed on the machine.
extension: .venv/ready-dev
	@.venv/bin/python tools/front_end.py develop

extension-check: extension
	@.venv/bin/python tools/front_end.py check

bench: .venv/ready-dev
	$(RUN) tests.bench

.venv/ready: pyproject.toml tools/bootstrap
	@sh tools/bootstrap "$(PYTHON)" .venv "[analysis]"
	@touch $@

.venv/ready-dev: pyproject.toml tools/bootstrap
	@sh tools/bootstrap "$(PYTHON)" .venv "[dev]"
	@touch $@ .venv/ready

clean:
	rm -rf codalab_nb/labextension extension/lib extension/node_modules extension/tsconfig.tsbuildinfo
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
