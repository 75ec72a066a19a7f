"""What runs when something happens on the forge: check, release, configure, snapshot, and the tasks by the clock.

Each is one function that a nox session calls; whatever it has to say goes through ``tell``. Before a merge a pull
request is data: ``proposed`` writes its files out, and nothing here imports or runs anything from among them.
"""
