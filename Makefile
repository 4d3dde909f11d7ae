# pop3gw: `make` alone says what there is to make.

VENV := .venv
PY := $(VENV)/bin/python
MADE_FROM := setup.cfg setup.py pyproject.toml
ARGS ?=
WITHIN := timeout --kill-after=30

# The first Python that is new enough and can make virtual environments.
FIND_PYTHON := for python in $${PYTHON:-python3} python3.11 python3.12 python3.13 python3.14; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo "$$python" && break; done

.PHONY: help serve install test test-all test-measured check format bench clean

help:
	@echo 'make serve      install into $(VENV) and start the gateway (ARGS="--smtp tcp:2526" adds options)'
	@echo 'make test       the tests'
	@echo 'make test-all   the slow ones too (kills, fuzzing, scanners), and real gateways with 2 workers'
	@echo 'make check      lint, format and types'
	@echo 'make format     mend the format'
	@echo 'make bench      the benchmarks; writes docs/benchmarks.md'
	@echo 'make clean      remove what was built; mail in pop3gw-data stays'

serve: $(VENV)/installed
	@exec $(VENV)/bin/twistd -n --pidfile= pop3gw $(ARGS)

install: $(VENV)/installed

test: $(VENV)/installed-dev
	@$(PY) -m pytest $(ARGS)

# Each part has a bound, so that one that hangs does not hold up everything.
test-all: test
	@$(WITHIN) 1500 $(PY) -m pytest --slow -m slow $(ARGS)
	@$(WITHIN) 900 $(PY) -m pytest --workers 2 tests/interop $(ARGS)
	@$(WITHIN) 900 $(PY) -m pytest --slow --workers 2 tests/faults $(ARGS)

test-measured: $(VENV)/installed-dev
	@$(PY) -m pytest --measured -m measured $(ARGS)

check: $(VENV)/installed-dev
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy

format: $(VENV)/installed-dev
	@$(PY) -m ruff check --fix
	@$(PY) -m ruff format

bench: $(VENV)/installed-bench
	@$(PY) -m bench $(ARGS)

clean:
	rm -rf $(VENV) build dist pop3gw.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f twisted/plugins/dropin.cache

$(VENV)/created:
	@python="$$($(FIND_PYTHON))"; \
	if [ -z "$$python" ]; then \
		echo 'pop3gw needs Python 3.11 or newer with its venv module.' >&2; \
		echo 'On Debian or Ubuntu: apt-get install python3-venv. Elsewhere: make PYTHON=/path/to/python3' >&2; \
		exit 1; \
	fi; \
	echo "making $(VENV) with $$python"; \
	"$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/created $(MADE_FROM)
	@echo 'installing pop3gw into $(VENV)'
	@$(PY) -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/created $(MADE_FROM)
	@echo 'installing pop3gw and the tools of its developers into $(VENV)'
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-bench: $(VENV)/installed-dev
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@
