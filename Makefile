PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --require-hashes
COMMAND := $(BIN)/pip --disable-pip-version-check install --quiet --no-deps --editable .

.PHONY: run install ray train dev test fast lint secrets docs types sbom lock

run: .venv/.serve
	@$(BIN)/python app.py

install: .venv/.serve
	@$(COMMAND)

ray: .venv/.ray
	@$(COMMAND)

train: .venv/.train

dev: .venv/.dev

test: lint secrets docs
	$(BIN)/python -m pytest -n auto --dist worksteal --cov

fast: .venv/.dev
	$(BIN)/python -m pytest -n auto -m "not slow and not mnist and not browser"

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Not the kinds that are guessed by entropy or by a name: they find hashes and examples.
secrets: .venv/.dev
	git ls-files -z -- . ':!requirements' ':!*.tflite' ':!*.h5' ':!*package-lock.json' ':!digits/web/static/docs' \
	 | xargs -0 $(BIN)/detect-secrets-hook --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString \
	 --disable-plugin KeywordDetector --disable-plugin BasicAuthDetector

docs: .venv/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

types: .venv/.dev
	$(BIN)/python -m support.openapi_types

sbom: .venv/.dev
	mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements/serve.txt --pyproject pyproject.toml --mc-type application \
	 --output-reproducible --output-file build/sbom.json

lock: | .venv
	$(BIN)/pip --disable-pip-version-check install --quiet uv
	$(BIN)/uv pip compile pyproject.toml $(COMPILE) -o requirements/serve.txt
	$(BIN)/uv pip compile pyproject.toml $(COMPILE) --extra train -c requirements/serve.txt -o requirements/train.txt
	$(BIN)/uv pip compile pyproject.toml $(COMPILE) --extra train --extra ray --extra dev -c requirements/train.txt -o requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml $(COMPILE) --extra train --extra ray --extra dev --extra bench -c requirements/dev.txt -o requirements/bench.txt
	$(BIN)/uv pip compile pyproject.toml $(COMPILE) --extra ray -c requirements/dev.txt -o requirements/ray.txt

COMPILE := --quiet --upgrade --universal --generate-hashes --no-annotate --no-header --python-version 3.11

.venv/.serve: requirements/serve.txt | .venv
	@echo "Installing what serving needs into .venv, once ..."
	@$(PIP) -r $<
	@touch $@

.venv/.train: requirements/train.txt | .venv
	@echo "Installing Keras and TensorFlow into .venv, once: over a gigabyte ..."
	@$(PIP) -r $<
	@touch $@ .venv/.serve

.venv/.ray: requirements/ray.txt | .venv
	@echo "Installing Ray into .venv, once ..."
	@$(PIP) -r $<
	@touch $@ .venv/.serve

.venv/.dev: requirements/dev.txt | .venv
	@echo "Installing what the tests need into .venv, once: over a gigabyte ..."
	@$(PIP) -r $<
	@touch $@ .venv/.ray .venv/.train .venv/.serve

.venv:
	@echo "Making .venv ..."
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed: make PYTHON=python3.13")'
	@$(PYTHON) -m venv .venv
