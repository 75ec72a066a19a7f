"""Containers of the embedded node as Docker containers that run systemd.

Knows the runtime's contract (``embedded.node.runtime``) and Docker; nothing of the API.
"""
