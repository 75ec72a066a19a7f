"""Loads the suite. It must be loaded here: named by ``-p`` its fixtures would lose to those of testinfra."""

pytest_plugins = ["harness.suite.plugin", "pytester"]
