"""The official Gitea and its runner in the place of the embedded forge and ours.

``releases`` runs where a control plane is made: it fetches, verifies and keeps. ``forge`` and ``runner`` are the
programs that the units of a control plane start; they prepare everything headlessly and then hand over to Gitea's own.
"""
