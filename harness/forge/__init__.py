"""The one door to a Gitea API, whichever forge answers behind it.

``client`` holds the session; every other module is a group of functions that take a ``Forge`` first and answer with
frozen values. May import ``inventory``, ``config`` and ``kit``. The types and errors of ``requests`` stop here.
"""
