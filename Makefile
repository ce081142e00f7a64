# make run | score | test | lint | bench | example: each installs what it needs into .venv, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
# Only this machine; make run ADDRESS=0.0.0.0 opens the app to the network.
ADDRESS ?= localhost

# Captions and paths go through the environment, unexpanded, so that the shell never interprets them.
export REEL_PATH = $(value REEL)
export CAPTION_TEXT = $(value CAPTION)

.PHONY: run score test soak lint bench example setup test-packages clean
.DEFAULT_GOAL := run

setup: $(VENV)/.app

run: $(VENV)/.app
	$(BIN)/streamlit run app.py --server.port $(PORT) --server.address $(ADDRESS)

score: $(VENV)/.app
	@test -n "$$REEL_PATH" || { echo "Which reel? make score REEL=clip.mp4 CAPTION='...'" >&2; exit 2; }
	@$(BIN)/python -m virality_core score --caption="$$CAPTION_TEXT" -- "$$REEL_PATH"

# One thread per worker: with more, the workers slow each other down.
test: $(VENV)/.dev test-packages lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

soak: $(VENV)/.dev test-packages
	OMP_NUM_THREADS=1 VIRALITY_SOAK=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict virality_core

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# Generates videos, trains a network on them, and scores a reel with it, in examples/out.
example: $(VENV)/.dev
	$(BIN)/python -m examples.virality

clean:
	rm -rf $(VENV) bench/out examples/out .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11" >&2; exit 2; }
	@# Debian ships venv as a separate package.
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(AS_ROOT) apt-get install -y python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt constraints.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install -r requirements.txt
	@# The package itself, editable: the command virality, and imports from any folder.
	$(BIN)/pip install --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	$(BIN)/pip install -r requirements-dev.txt
	@touch $@

# The browser tests need Chromium, one test a Hindi font, and one espeak-ng. Without a package its tests are skipped.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
HINDI := /usr/share/fonts/truetype/lohit-devanagari/Lohit-Devanagari.ttf
test-packages:
	@{ command -v chromium && command -v espeak-ng && [ -e $(HINDI) ]; } >/dev/null || { \
	    echo "Installing Chromium, espeak-ng and a Devanagari font for the tests …"; \
	    $(AS_ROOT) apt-get update -qq && \
	    $(AS_ROOT) apt-get install -y -qq chromium espeak-ng fonts-noto-color-emoji fonts-lohit-deva >/dev/null; \
	} || echo "They can't be installed here; the tests that need them are skipped."
