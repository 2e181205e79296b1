# Two commands on a fresh machine: `make demo` and `make test`.  Each does all of its own set-up.

PYTHON ?= $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: demo test check bench clean

demo: .venv/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/demo.sh

test: .venv/developed
	@sh scripts/lab-setup.sh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadgroup

bench: .venv/developed
	$(BIN)/python -m benchmarks

# ffmpeg comes from the system, else from the wheel of the `ffmpeg` extra.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed; say which with: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	@if command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; then extra=; else extra='[ffmpeg]'; fi; \
	  echo "$(BIN)/pip install -e .$$extra"; $(BIN)/pip install --quiet --disable-pip-version-check -e ".$$extra"
	@$(BIN)/python -m compileall -q cosmos_workflow
	@touch $@

.venv/developed: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,ffmpeg]'
	@touch $@

clean:
	rm -rf .venv demo dist build
