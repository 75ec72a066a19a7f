"""What the forge does: one module for each area, functions that take the ``Forge`` first.

API routes and pages are two doors to these; neither has SQL or git of its own.
"""
