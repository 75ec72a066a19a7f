"""``config.env`` files become frozen container specs, checked as a whole before anything happens.

May import ``config`` and ``kit``. Knows nothing of PVE, Docker or ssh.
"""
