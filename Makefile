# `make help` lists what there is. Only Python 3.11, make and git are needed.
PYTHON ?= python3.11
VENV := .venv/bin
ARGS ?=
FLIPS ?= 1000
.DEFAULT_GOAL := help
.PHONY: help demo up run manage clean-demo test flips fuzz walks airflow bench agreement calibrate check format environment environment-all \
	check-format check-lint check-types check-imports check-migrations check-templates check-django

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

demo: environment ## Start Ombud with the data and people of the demonstration
	@exec $(VENV)/python -m deploy demo

up: environment ## Start Ombud without demo data; asks for the first administrator
	@exec $(VENV)/python -m deploy up

run: environment ## Start Ombud and ask nothing, for a service manager
	@exec $(VENV)/python -m deploy run

manage: environment ## A management command on these servers: make manage ARGS="verify_audit"
	@exec $(VENV)/python -m deploy manage $(ARGS)

clean-demo: environment ## Remove the data of the embedded servers (var/)
	@exec $(VENV)/python -m deploy clean

test: environment-all ## Run the tests on servers of their own: make test ARGS="tests/audit -x"
	@exec $(VENV)/python -m deploy test $(ARGS)

flips: environment-all ## Flip 1,000 random bytes of an archive, and say how many were found: FLIPS=200 for fewer
	@OMBUD_TEST_FLIPS=$(FLIPS) $(VENV)/python -m deploy test tests/registry/test_archives.py -k flipped -n0 -s -q

fuzz: environment-all ## Ask every operation of the API 100 times in valid and 100 in invalid ways (minutes)
	@OMBUD_TEST_FUZZ=100 $(VENV)/python -m deploy test tests/api -k documented -n0 -q

walks: environment-all ## Let 200 random walks try to get round the signatures (minutes)
	@OMBUD_TEST_WALKS=200 $(VENV)/python -m deploy test tests/governance/test_workflow_machine.py -n0 -q

airflow: environment-all ## Have a real Apache Airflow 3.3.2 (in an environment of its own) retrain a model
	@OMBUD_TEST_AIRFLOW=1 $(VENV)/python -m deploy test tests/monitoring/test_real_airflow.py -n0 -s -q

bench: environment-all ## Measure cost beside other libraries; make bench ARGS="--rows 100000", ARGS=answers
	@exec $(VENV)/python -m benchmarks $(ARGS)

agreement: environment-all ## Every measure beside SciPy, scikit-learn and River: ARGS=--write writes docs/statistics.md
	@exec $(VENV)/python -m benchmarks.agreement $(ARGS)

calibrate: environment-all ## Observed against declared false alarms, and power: ARGS=--quick takes a minute
	@exec $(VENV)/python -m benchmarks.calibrate $(ARGS)

check: ## Format, lint, types, import contracts, migrations, templates, settings
check: check-format check-lint check-types check-imports check-migrations check-templates check-django

check-format: environment-all
	$(VENV)/ruff format --check .

check-lint: environment-all
	$(VENV)/ruff check .

check-types: environment-all
	$(OFFLINE) $(VENV)/mypy .

check-imports: environment-all
	$(VENV)/lint-imports

check-migrations: environment-all
	$(OFFLINE) $(VENV)/python -W "ignore:Got an error checking" manage.py makemigrations --check --dry-run

check-templates: environment-all
	$(VENV)/djlint --check --lint templates

check-django: environment-all
	$(OFFLINE) $(VENV)/python manage.py check

# The checks read settings but no server: a key that signs nothing, addresses nobody listens on.
OFFLINE := OMBUD_DEBUG=1 OMBUD_SECRET_KEY=only-for-make-check-signs-nothing \
	DATABASE_URL=postgresql://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 MLFLOW_TRACKING_URI=

format: environment-all ## Format code and templates
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .
	$(VENV)/djlint --reformat --quiet templates || true

environment:
	@command -v $(PYTHON) >/dev/null || { echo "python3.11 is not found. Install it, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m deploy.virtualenv demo

environment-all:
	@command -v $(PYTHON) >/dev/null || { echo "python3.11 is not found. Install it, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m deploy.virtualenv all
