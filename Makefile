# The short forms of bootstrap.py, which works without make, on Windows too.
PYTHON ?= python3
.PHONY: run test lint lock torture bench
run test torture bench lock: ; @$(PYTHON) bootstrap.py $@ $(ARGS)
lint: ; @$(PYTHON) bootstrap.py check
