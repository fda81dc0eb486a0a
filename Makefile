# Every step is one command of the installed tools; this file only knows their order and defaults.

PYTHON ?= python3
# Further arguments for pip, such as a package index with CPU builds of torch.
PIP_ARGS ?=
BIN := .venv/bin
DEMO := build/demo
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
# Python keeps what it compiled: tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
# How long `make fuzz` takes.
SECONDS ?= 600
# A training run that is there is continued where it stopped.
again = $(if $(wildcard runs/$(1)/state.pth.tar),--resume,--overwrite)

.DEFAULT_GOAL := help
.PHONY: help setup demo lint check coverage fuzz test test-all test-flash format golden models sdk-examples qat quantize \
	synthesize firmware simulate flash evaluate bench docs compare package hashes sbom clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: .venv/.installed ## Make .venv with everything installed

.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) \
		-c constraints.txt -e '.[train,prune,firmware,board,link,docs,release,dev]'
	$(BIN)/python -m compileall -q max78000 ai8x_models synthesis
	$(BIN)/python -m synthesis.emit.compile_templates
	touch $@

demo: setup ## The whole road once: short training, quantize, synthesize, build, simulate
	$(BIN)/ai8x distill --config ai8x_models/recipes/tiny_demo.yaml --overwrite
	$(BIN)/ai8x quantize runs/tiny_demo/tiny_demo.pth.tar $(DEMO)/pose_tiny-q.pth.tar --overwrite
	$(BIN)/ai8x sample pose_tiny --out $(DEMO)/pose_tiny.npy --overwrite
	$(BIN)/synthesize networks/pose_tiny.yaml --checkpoint-file $(DEMO)/pose_tiny-q.pth.tar \
		--sample-input $(DEMO)/pose_tiny.npy --test-dir $(DEMO) --timer 0 --overwrite
	$(BIN)/ai8x evaluate checkpoints/pose_student.pth.tar checkpoints/pose_tiny.pth.tar \
		runs/tiny_demo/tiny_demo.pth.tar $(DEMO)/pose_tiny-q.pth.tar
	$(BIN)/max78000 build $(DEMO)/pose_tiny
	$(BIN)/max78000 simulate $(DEMO)/pose_tiny
	$(BIN)/max78000 run $(DEMO)/pose_tiny networks/samples/people.png --virtual \
		--out $(DEMO)/people.png

qat: setup ## Distil StudentModel into TinyStudentModel with quantization-aware training
	$(BIN)/ai8x distill --config ai8x_models/recipes/tiny_qat.yaml $(call again,tiny_qat)

quantize: setup ## Quantize the result of `make qat` to build/pose_tiny-q.pth.tar
	$(BIN)/ai8x quantize runs/tiny_qat/tiny_qat.pth.tar build/pose_tiny-q.pth.tar --overwrite

synthesize: setup ## Compile the shipped pose network to a C project in build/pose_tiny
	$(BIN)/synthesize networks/pose_tiny.yaml --timer 0 --overwrite

firmware: synthesize ## Compile that project for the EVKit: ELF, HEX, BIN and a size report
	$(BIN)/max78000 build build/pose_tiny

simulate: synthesize ## Run firmware of every network, by every compiler, on the virtual board
	$(BIN)/max78000 simulate build/pose_tiny
	$(BIN)/max78000 simulate build/pose_tiny --compiler zig
	$(BIN)/python -m pytest tests/agree/test_virtual_board.py

flash: firmware ## Write the firmware to a connected board, verify it and show its console
	$(BIN)/max78000 flash build/pose_tiny --console

evaluate: setup ## Score teacher, float, and integer networks on the rendered validation pictures
	$(BIN)/ai8x evaluate

compare: setup ## Train Tiny plainly and distilled for the same time, and score both
	$(BIN)/ai8x train --config ai8x_models/recipes/compare_plain.yaml $(call again,compare_plain)
	$(BIN)/ai8x distill --config ai8x_models/recipes/compare_distilled.yaml \
		$(call again,compare_distilled)
	$(BIN)/ai8x evaluate runs/compare_plain/compare_plain.pth.tar \
		runs/compare_distilled/compare_distilled.pth.tar

docs: setup ## Build the documentation site in build/site
	$(BIN)/mkdocs build --strict

bench: setup ## Print cycles and compile times of the networks, and how fast data come and are learned
	$(BIN)/python tests/bench.py
	$(BIN)/python tests/bench_speed.py
	$(BIN)/python tests/bench_loader.py
	$(BIN)/python tests/bench_training.py

package: setup ## Build the wheel and the source distribution in dist; wheels of one commit are equal byte for byte
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build

hashes: setup ## Write requirements-hashed.txt anew: constraints.txt with the hashes of all files
	$(BIN)/python tests/package/hashes.py $(PIP_ARGS)

sbom: package ## Write dist/environment.cdx.json, CycloneDX: what .venv has, tools of the tests too, with licences
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file dist/environment.cdx.json

fuzz: setup ## Read damaged files and lines for SECONDS=600, by the readers of every surface
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

test-flash: setup ## Program, verify and start firmware through a model of the debug port
	$(BIN)/python -m pytest tests/flash

lint: setup ## Style, types and import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## While working, under 90 seconds: that, and the unit tests that are quick
	$(PYTEST) tests/style tests/unit -m "not long and not slow"

test: lint ## For a change, under 10 minutes: all that it can break
	$(PYTEST) -m "not slow"

# Measured, files that are damaged take longer than test_damaged_files.py allows.
coverage: setup ## Which lines of max78000 and synthesis their tests run; fails under 95 of 100 in either
	$(PYTEST) tests/unit/synthesis -m "not long and not slow" --cov --cov-report=
	$(PYTEST) tests/unit/max78000 tests/flash tests/agree -m "not slow" \
		--ignore tests/agree/test_damaged_files.py --cov --cov-append --cov-report=
	$(BIN)/coverage report --fail-under 95 --include "max78000/*"
	$(BIN)/coverage report --fail-under 95 --include "synthesis/*"

test-all: test ## Before a release, under 40 minutes: that, and the slow tests
	$(PYTEST) -m slow

format: setup ## Bring all Python files into shape
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

golden: setup ## Rewrite the golden files; review the difference before committing
	$(BIN)/python -m pytest tests/golden tests/unit/max78000/machine/test_machine_golden.py --update-golden

models: setup ## Rewrite docs/models.md from the vendor's model files, if they are at hand
	$(BIN)/python tests/zoo/vendor_table.py

sdk-examples: setup ## Rewrite docs/sdk-examples.md from the vendor's SDK, if it is at hand
	$(BIN)/python tests/sdk/example_table.py

clean: ## Remove what can be made again, except .venv
	rm -rf build dist data runs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
