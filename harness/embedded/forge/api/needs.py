"""The combinations of needs that routes share, named as a person would say them."""

from __future__ import annotations

from dataclasses import replace

from harness.embedded.forge import scopes
from harness.embedded.forge.access import Mode
from harness.embedded.forge.api.routing import Needs

_REPOSITORY = ((scopes.REPOSITORY,),)
OPEN = Needs()
PUBLIC = Needs(_REPOSITORY)
ADMIN = Needs(((scopes.ADMIN,),), token=True, site_admin=True)
ME = Needs(((scopes.USER,),), token=True)
ME_REPOSITORIES = Needs(((scopes.USER,), (scopes.USER, scopes.REPOSITORY)), token=True)
ME_ORGANISATIONS = Needs(((scopes.USER, scopes.ORGANISATION),), token=True)
USERS = Needs(((scopes.USER,),))
USERS_REPOSITORIES = Needs(((scopes.USER,), (scopes.REPOSITORY,)))
USERS_ORGANISATIONS = Needs(((scopes.USER, scopes.ORGANISATION),), token=True)
CREATE_REPOSITORY = replace(PUBLIC, token=True)
NOTIFICATIONS = Needs(((scopes.NOTIFICATION,),), token=True)
PACKAGES = Needs(((scopes.PACKAGE,),))
READ = Needs(_REPOSITORY, mode=Mode.READ)
SIGNED = replace(READ, token=True)
WRITE = Needs(_REPOSITORY, token=True, mode=Mode.WRITE, writes=True)
WRITE_ANY = replace(WRITE, writes=False)
ADMINISTER = Needs(_REPOSITORY, token=True, mode=Mode.ADMIN)
OWN = Needs(_REPOSITORY, token=True, mode=Mode.OWNER)
ISSUES = Needs(((scopes.ISSUE,),), mode=Mode.READ)
ISSUES_SIGNED = replace(ISSUES, token=True, writes=True)
ISSUES_WRITE = replace(ISSUES_SIGNED, mode=Mode.WRITE)
ORG = Needs(((scopes.ORGANISATION,),))
ORG_SIGNED = replace(ORG, token=True)
ORG_MEMBER = replace(ORG, token=True, member=True)
ORG_OWNER = replace(ORG, token=True, org_owner=True)
ORG_REPOSITORIES = ORG
ORG_CREATE = replace(ORG_REPOSITORIES, token=True)
SIGNED_WRITES = replace(SIGNED, writes=True)
