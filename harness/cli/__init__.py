"""The commands; one module each. noxfile.py stays thin and calls `python -m harness <command>`."""
