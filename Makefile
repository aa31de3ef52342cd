# `make help` lists all targets.
PORT ?= 5000
PYTHON ?= python3
VENV := .venv
# Not the scripts in $(VENV)/bin: their first lines contain the path of the folder, which may have been moved.
RUN := $(VENV)/bin/python -m
FLASK := $(RUN) flask --app app

# Limits `make mutate` to one module: MODULE=accounts/limits.py.
MODULE ?=

# `make soak SECONDS=60 SEED=7`: how long, and the seed of all random choices.
SECONDS ?= 300
SEED ?=

# pytest stores its rewritten tests like Python its bytecode; otherwise each worker spends seconds on rewriting them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run example test test-large test-fast soak cover mutate check check-python check-pages lock translations machine install-dev

help: ## list all targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/.installed ## create the virtual environment from the lock file

$(VENV)/.installed: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

run: install ## serve on http://localhost:$PORT with embedded defaults and a demonstration administrator
	@$(FLASK) admin demo --upgrade
	@exec $(RUN) gunicorn --log-level warning --bind 127.0.0.1:$(PORT) 'app:create_app()'

example: install ## serve the account centre and a CMS beside it, behind nginx, on http://localhost:$PORT (examples/)
	@tests/machine.sh nginx
	@PORT=$(PORT) exec $(VENV)/bin/python examples/run.py

install-dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

machine: ## install missing Debian packages for the tests
	tests/machine.sh

test: install-dev machine ## run all tests, against real servers
	$(RUN) pytest -n 4 --dist worksteal -m "not large"

test-large: install-dev machine ## run the tests that take minutes of CPU time: 10 000 webhooks to two receivers, one of them killed
	$(RUN) pytest -m large

test-fast: install-dev ## run the tests that need no server and no browser, without the slow ones: about a minute
	$(RUN) pytest -q -n 3 --dist worksteal -m "not servers and not slow and not large" \
	  --ignore tests/live --ignore tests/browser

soak: install-dev machine ## let the parts of a fleet fail in turn under load, and check that nothing is lost (SECONDS=300, SEED)
	$(RUN) tests.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

cover: install-dev machine ## require tests to cover 97 % of the branches of accounts/ and cache.py
	$(RUN) pytest -q -n 2 --dist worksteal -m "not slow and not large" --ignore tests/live --ignore tests/browser \
	  --cov=accounts --cov=cache --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=97

mutate: install-dev ## list changed rules of accounts/ that no test detects (MODULE=accounts/limits.py: of one module)
	$(RUN) mutmut run $(if $(MODULE),'$(subst /,.,$(basename $(MODULE))).*')
	$(RUN) mutmut results

check: ## lint, types, templates, JavaScript with its tests, translations, HTML
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-python check-pages

check-python: install-dev
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	cd examples/cms && ../../$(RUN) mypy --config-file ../../pyproject.toml .

check-pages: install-dev node_modules/.installed
	$(RUN) djlint templates examples --lint --quiet
	node_modules/.bin/eslint static tests/js
	node --test --test-reporter=dot tests/js/*.test.js
	$(RUN) pytest -q tests/test_translations.py tests/check_html.py

node_modules/.installed: package.json package-lock.json
	tests/machine.sh node
	npm ci --silent --no-audit --no-fund
	touch $@

lock: install-dev ## regenerate the lock files from requirements.txt and requirements-dev.txt
	for name in requirements requirements-dev; do \
	  $(RUN) uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $$name.txt -o $$name.lock; \
	done

translations: install-dev ## extract new sentences into the catalogues
	$(RUN) babel.messages.frontend -q extract -F babel.cfg -k lazy_gettext --omit-header --no-location --sort-output -o translations/messages.pot .
	$(RUN) babel.messages.frontend -q update -N --ignore-obsolete --omit-header -i translations/messages.pot -d translations
	rm translations/messages.pot
