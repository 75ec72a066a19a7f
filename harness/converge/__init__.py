"""Runs a container's cookbook by an engine (Cinc or Itamae) and reports every resource."""
