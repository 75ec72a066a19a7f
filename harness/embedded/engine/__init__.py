"""The Docker engine on this machine: finding or installing it, what it can do, its base images and networks.

Knows nothing of the node or its API; the one place besides ``embedded.node.docker`` that speaks to Docker.
"""
