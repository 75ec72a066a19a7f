"""A small forge: git over smart HTTP, pull requests, webhooks and workflow runs behind Gitea's own REST API.

Layers, each importing only what stands to its right:
``application -> api, git_http, runner_api, pages -> services -> shapes, git, workflows -> store -> errors``.
Speaks Gitea's protocol and shares no code with the harness's own client of it.
"""
