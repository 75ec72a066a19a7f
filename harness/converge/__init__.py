"""Runs a container's cookbook by an engine (Cinc or Itamae) and reports every resource.

Reaches containers through ``harness.remote`` only and knows nothing of plans, nodes or journals. The Ruby that travels
to the container lies in ``ruby/``, the shell around it in ``scripts/``; both are data to this package.
"""
