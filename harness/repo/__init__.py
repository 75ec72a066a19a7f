"""Facts about the git monorepo: identity, commit, content hashes. The one door to git (GitPython)."""
