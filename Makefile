# Every command a developer types. A fresh clone needs Python >= 3.11 and make, nothing else.
# `make PYTHON=python3.12 test` picks the interpreter; ARGS="…" passes words through, as in `make test ARGS="-k pkce"`.

PYTHON ?= python3
ARGS ?=
# One more than there are processors: some tests wait for what takes its time, such as a lease to lapse.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
VENV := .venv
RUN := $(VENV)/bin/python
# The stamp of a finished installation: it is older than what it was made from when that changes.
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help .venv demo tour test quick test-all lint format bench browser conformance chaos lock sbom audit secrets migrate serve clean

help: ## this list
	@awk 'BEGIN { FS = ":[^#]*## " } /^[a-z.-]+:[^#]*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv: $(READY) ## set up .venv from the hash-locked requirements, and run nothing

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This needs Python 3.11 or newer as '$(PYTHON)'. Name another one: make PYTHON=python3.12 $(or $(MAKECMDGOALS),.venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' comes without venv. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(RUN) || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing what requirements/dev.txt locks (about half a minute)"
	@$(RUN) -m pip install -qq --require-hashes --only-binary :all: -r requirements/dev.txt
	@$(RUN) -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## start the authorization server and a guarded example server, and say what to try
	@exec $(RUN) -m authserver demo $(ARGS)

tour: $(READY) ## the same, then a scripted client walks through it: one line of plain language per step
	@exec $(RUN) -m authserver demo --tour $(ARGS)

test: $(READY) ## the whole suite, with a real PostgreSQL, about twenty minutes on two cores
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

quick: $(READY) ## the suite without what is slow or needs a browser
	$(RUN) -m pytest -q -m "not slow and not browser" $(ARGS)

test-all: $(READY) ## every server test on both databases, one after the other, with the ten slowest named
	TEST_ALL=1 $(RUN) -m pytest --durations 10 $(ARGS)

lint: $(READY) ## style, types, and the order of the house
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

format: $(READY) ## rewrite the sources as the formatter wants them
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: $(READY) ## measure beside a peer, as ratios; ARGS=stop: how soon a stop reaches every guard (docs/performance.md)
	$(RUN) -m benchmarks $(ARGS)

browser: $(READY) ## browser tests, and a screenshot of every page in build/screens/
	PHOTOGRAPHS=1 $(RUN) -m pytest tests/browser tests/agreement -m browser $(ARGS)

conformance: $(READY) ## other people's software from npm: the official conformance suite, the TypeScript SDK, oauth4webapi; and Schemathesis for long
	MCP_CONFORMANCE=1 $(RUN) -m pytest tests/agreement/test_mcp_conformance.py tests/agreement/test_conformance_authorization.py \
	  tests/agreement/test_typescript_sdk.py tests/agreement/test_oauth4webapi.py \
	  tests/agreement/test_sdk_registration.py tests/agreement/test_authlib.py --show-capture=no $(ARGS)
	ADMIN_FUZZ=40 $(RUN) -m pytest tests/attacks/test_admin_fuzzing.py $(ARGS)

chaos: $(READY) ## kill server, workers, guards and databases in the middle of their work, and look for what was lost; CHAOS_SEEDS=50-99 for others
	CHAOS=1 $(RUN) -m pytest tests/chaos $(ARGS)

lock: ## resolve pyproject.toml into requirements/*.txt, with hashes and without host names
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet uv
	UV_PYTHON_DOWNLOADS=never build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate pyproject.toml \
	  --extra server --extra mcp --extra fastmcp --extra redis --extra otel --group dev -o requirements/dev.txt
	UV_PYTHON_DOWNLOADS=never build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate pyproject.toml \
	  --extra server --extra mcp --extra redis -c requirements/dev.txt -o requirements/runtime.txt
	cd tests/agreement/js && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund

sbom: $(READY) ## write build/sbom.json (CycloneDX 1.6) of what the server runs on
	@mkdir -p build
	$(RUN) deploy/sbom.py requirements/runtime.txt build/sbom.json

secrets: $(READY) ## make what compose.yaml mounts: passwords, keys and a certificate for this machine, in deploy/secrets/
	@$(RUN) deploy/make_secrets.py deploy/secrets

audit: ## ask the advisory databases about every locked package (needs the network)
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/runtime.txt

migrate: $(READY) ## bring the database of AUTHSERVER_DATABASE_URL to the newest schema
	@$(RUN) -m authserver migrate $(ARGS)

serve: $(READY) ## run the authorization server with the settings of the environment
	@exec $(RUN) -m authserver serve $(ARGS)

clean: ## remove what the other targets made, and the demo's data
	rm -rf $(VENV) build dist demo-data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
