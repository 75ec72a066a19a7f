"""How things look in Gitea's JSON. Reads the store and git, changes nothing, decides nothing."""
