# One command each, on a fresh machine with Python 3.11, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

.PHONY: demo test slow lint docs pictures bench clean

demo: $(STAMP)
	$(BIN)/impasto demo

# Each worker has one thread. The browser's tests come last, by themselves: a page is slow to heed what is typed on a
# busy machine.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal --ignore tests/studio
	$(BIN)/pytest tests/studio

slow: $(STAMP)
	$(BIN)/pytest -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo site/index.html

pictures: $(STAMP)
	$(BIN)/python tools/make_readme_pictures.py
	$(BIN)/python tools/make_docs_pictures.py

bench: $(STAMP)
	$(BIN)/python benchmarks/gatys.py
	$(BIN)/python benchmarks/feedforward.py --parts speed quality

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)
