# Two commands on a fresh machine: `make demo` and `make test`.  Each does all of its own set-up.
# Another Python: make PYTHON=/path/to/python demo

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input

.PHONY: demo test bench docs clean

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

# The generated parts of docs/; a test holds them up to date.
docs: .venv/developed
	$(BIN)/python scripts/docs.py

# ffmpeg comes from the system, else from the wheel of the `ffmpeg` extra.  Python is compiled here,
# because some environments tell it not to do that by itself, and every command would start slowly.
.venv/installed: pyproject.toml
	@python=$${PYTHON:-$$(sh scripts/find-python.sh)} || exit 2; \
	  echo "$$python -m venv .venv"; "$$python" -m venv --clear .venv
	@if command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; then extra=; else extra='[ffmpeg]'; fi; \
	  echo "$(BIN)/pip install -e .$$extra"; $(PIP) install -e ".$$extra"
	@$(BIN)/python -m compileall -q cosmos_workflow
	@touch $@

.venv/developed: .venv/installed
	@echo "$(BIN)/pip install -e .[dev,ffmpeg,exr,watch,ai]"; $(PIP) install -e '.[dev,ffmpeg,exr,watch,ai]'
	@touch $@

clean:
	rm -rf .venv demo dist build
