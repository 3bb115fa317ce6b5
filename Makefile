# A short name for each command of tools/set_up.py; without make, run that file.
PYTHON ?= python3

.PHONY: lab test check clean clean-data
lab test check clean clean-data:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { \
	  echo "fusionlab needs Python 3.11 or newer, and $(PYTHON) is missing or older." >&2; \
	  echo "Install one, or say where it is: make $@ PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) tools/set_up.py $@
