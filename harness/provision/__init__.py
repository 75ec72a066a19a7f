"""The base role: what every container gets before its cookbook (users, keys, sshd, packages, locale)."""
