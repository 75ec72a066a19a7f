"""From a working tree to a forge: repositories, submodules, branches and the pull requests that people accept.

Everything here may be repeated: what is there is found, what differs is moved forward, nothing is overwritten.
"""
