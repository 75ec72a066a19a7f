"""The one door to ssh: OpenSSH with one multiplexed connection per container and run, keys and known_hosts of ours."""
