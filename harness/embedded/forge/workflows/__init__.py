"""Workflow files in Actions syntax: the subset that is run here, and a refusal with file and line for the rest.

Pure: text in, values out. Knows nothing of repositories, runs or runners.
"""
