# The documentation site; every warning is an error. Open docs/_build/index.html.
docs:
	uv run --group docs sphinx-build -W --keep-going -q -b html docs docs/_build

.PHONY: docs
