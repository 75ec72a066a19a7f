"""The control plane: forge and runner in a container of their own, in local Docker and on Proxmox VE.

What it runs (``program``, ``wheels``), the image and container in local Docker (``image``, ``container``), what travels
to it by a private way (``luggage``), and the cookbook that turns the root ``config.env``'s container into one
(``cookbook``, ``authority``). Knows nothing of plans and stages, which stand above it.
"""
