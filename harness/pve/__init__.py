"""The one door to Proxmox VE: proxmoxer, requests and their errors stop here.

May import ``inventory``, ``config`` and ``kit``; knows nothing of plans, stages, Docker or ssh.
"""
