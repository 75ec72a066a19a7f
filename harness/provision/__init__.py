"""The base role: what every container gets before its cookbook (users, keys, sshd, packages, locale).

Reaches containers through ``harness.remote`` only; what a container is for is not known here.
"""
