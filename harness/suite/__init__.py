"""The lifecycle as a pytest suite: collection of config.env, groups, order, progress. Loaded by the root conftest.py."""
