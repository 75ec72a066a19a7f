"""The lifecycle as a pytest suite: collection of config.env, groups, order, progress. Loaded by the root conftest.py.

Without ``--gitops`` it only sees to it that specs below ``libs/`` are skipped: no plain pytest run touches a node.

- ``plugin``: options and which of the parts below a process needs;
- ``collect``, ``order``: items of a container, in their order; ``gate``: may this item run;
- ``turns`` (pure) and ``scheduler``: which group goes to which xdist worker, and when;
- ``recorder``: journal; ``progress``, ``table``: what a person sees; ``outcome``: exit code.
"""
