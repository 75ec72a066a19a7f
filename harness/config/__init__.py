"""Where settings come from: dotenv files, ``local/config.json``, defaults, the environment; each value with its origin.

May import ``kit`` only.
"""
