"""Small tools that know nothing of containers: errors, secrets, processes, waiting, files.

Imports nothing else of the harness, so that every other package may use it.
"""
