"""The one door to git, and what the repository's files say: commit, content hashes, the repository's identity.

May import ``inventory``, ``config`` and ``kit``. GitPython's types and errors stop here.
"""
