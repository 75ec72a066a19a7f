"""Proxmox-GitOps: a git monorepo describes Linux containers; this package plans, deploys, converges and verifies them.

Data flows one way: configuration → inventory → (observed facts) → plan → stages → journal → report.
"""

__version__ = "0.1.0"
