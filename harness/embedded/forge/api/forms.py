"""The bodies that routes read, as Gitea's structs declare them (modules/structs of Gitea 1.26)."""

from __future__ import annotations

from harness.embedded.forge.api.binding import Field, Form, flag, text

_VISIBILITY = "In(,public,limited,private)"


def _int(go: str) -> Field:
    return Field(go, "int64")


def _list(go: str, *rules: str) -> Field:
    return Field(go, "list", rules)


def _object(go: str, *rules: str) -> Field:
    return Field(go, "object", rules)


CREATE_USER = Form(
    "CreateUserOption",
    {
        "source_id": _int("SourceID"),
        "login_name": text("LoginName"),
        "username": text("Username", "Required", "Username", "MaxSize(40)"),
        "full_name": text("FullName", "MaxSize(100)"),
        "email": text("Email", "Required", "Email", "MaxSize(254)"),
        "password": text("Password", "MaxSize(255)"),
        "must_change_password": flag("MustChangePassword"),
        "restricted": flag("Restricted"),
        "visibility": text("Visibility", _VISIBILITY),
    },
)
EDIT_USER = Form(
    "EditUserOption",
    {
        "source_id": _int("SourceID"),
        "login_name": text("LoginName", "Required"),
        "email": text("Email", "MaxSize(254)"),
        "full_name": text("FullName", "MaxSize(100)"),
        "password": text("Password", "MaxSize(255)"),
        "must_change_password": flag("MustChangePassword"),
        "website": text("Website", "ValidUrl", "MaxSize(255)"),
        "location": text("Location", "MaxSize(50)"),
        "description": text("Description", "MaxSize(255)"),
        "active": flag("Active"),
        "admin": flag("Admin"),
        "prohibit_login": flag("ProhibitLogin"),
        "restricted": flag("Restricted"),
        "visibility": text("Visibility", _VISIBILITY),
    },
)
RENAME_USER = Form("RenameUserOption", {"new_username": text("NewName", "Required")})
SETTINGS = Form(
    "UserSettingsOptions",
    {
        "full_name": text("FullName", "MaxSize(100)"),
        "website": text("Website", "OmitEmpty", "ValidUrl", "MaxSize(255)"),
        "location": text("Location", "MaxSize(50)"),
        "description": text("Description", "MaxSize(255)"),
    },
)
CREATE_TOKEN = Form(
    "CreateAccessTokenOption",
    {"name": text("Name", "Required"), "scopes": _list("Scopes")},
)
CREATE_KEY = Form(
    "CreateKeyOption",
    {"title": text("Title", "Required"), "key": text("Key", "Required"), "read_only": flag("ReadOnly")},
)
_ORG = {
    "full_name": text("FullName", "MaxSize(100)"),
    "email": text("Email", "MaxSize(255)"),
    "description": text("Description", "MaxSize(255)"),
    "website": text("Website", "ValidUrl", "MaxSize(255)"),
    "location": text("Location", "MaxSize(50)"),
    "visibility": text("Visibility", _VISIBILITY),
    "repo_admin_change_team_access": flag("RepoAdminChangeTeamAccess"),
}
CREATE_ORG = Form("CreateOrgOption", {"username": text("UserName", "Required", "Username", "MaxSize(40)"), **_ORG})
EDIT_ORG = Form("EditOrgOption", _ORG)
_TEAM = {
    "name": text("Name", "Required", "AlphaDashDot", "MaxSize(255)"),
    "description": text("Description", "MaxSize(255)"),
    "includes_all_repositories": flag("IncludesAllRepositories"),
    "permission": text("Permission", "In(read,write,admin)"),
    "units": _list("Units"),
    "units_map": _object("UnitsMap"),
    "can_create_org_repo": flag("CanCreateOrgRepo"),
}
RENAME_ORG = Form("RenameOrgOption", {"new_name": text("NewName", "Required", "Username", "MaxSize(40)")})
CREATE_TEAM = Form("CreateTeamOption", _TEAM)
EDIT_TEAM = Form("EditTeamOption", _TEAM)
CREATE_REPO = Form(
    "CreateRepoOption",
    {
        "name": text("Name", "Required", "AlphaDashDot", "MaxSize(100)"),
        "description": text("Description", "MaxSize(2048)"),
        "private": flag("Private"),
        "issue_labels": text("IssueLabels"),
        "auto_init": flag("AutoInit"),
        "template": flag("Template"),
        "gitignores": text("Gitignores"),
        "license": text("License"),
        "readme": text("Readme"),
        "default_branch": text("DefaultBranch", "GitRefName", "MaxSize(100)"),
        "trust_model": text("TrustModel"),
        "object_format_name": text("ObjectFormatName", "MaxSize(6)"),
    },
)
_SWITCHES = {
    "template": "Template", "has_issues": "HasIssues", "has_wiki": "HasWiki", "has_code": "HasCode",
    "has_pull_requests": "HasPullRequests", "has_projects": "HasProjects", "has_releases": "HasReleases",
    "has_packages": "HasPackages", "has_actions": "HasActions",
    "ignore_whitespace_conflicts": "IgnoreWhitespaceConflicts", "allow_merge_commits": "AllowMerge",
    "allow_rebase": "AllowRebase", "allow_rebase_explicit": "AllowRebaseMerge", "allow_squash_merge": "AllowSquash",
    "allow_fast_forward_only_merge": "AllowFastForwardOnly", "allow_manual_merge": "AllowManualMerge",
    "autodetect_manual_merge": "AutodetectManualMerge", "allow_rebase_update": "AllowRebaseUpdate",
    "default_delete_branch_after_merge": "DefaultDeleteBranchAfterMerge",
    "default_allow_maintainer_edit": "DefaultAllowMaintainerEdit", "archived": "Archived",
}  # fmt: skip
EDIT_REPO = Form(
    "EditRepoOption",
    {
        "name": text("Name", "AlphaDashDot", "MaxSize(100)"),
        "description": text("Description", "MaxSize(2048)"),
        "website": text("Website", "MaxSize(1024)"),
        "private": flag("Private"),
        "default_branch": text("DefaultBranch"),
        "default_merge_style": text("DefaultMergeStyle"),
        "projects_mode": text("ProjectsMode"),
        **{key: flag(go) for key, go in _SWITCHES.items()},
    },
)
MIGRATE = Form(
    "MigrateRepoOptions",
    {
        "clone_addr": text("CloneAddr", "Required"),
        "repo_owner": text("RepoOwner"),
        "repo_name": text("RepoName", "Required", "AlphaDashDot", "MaxSize(100)"),
        "service": text("Service"),
        "mirror": flag("Mirror"),
        "private": flag("Private"),
        "description": text("Description", "MaxSize(2048)"),
    },
)
TRANSFER = Form("TransferRepoOption", {"new_owner": text("NewOwner", "Required")})
TOPICS = Form("RepoTopicOptions", {"topics": _list("Topics")})
COLLABORATOR = Form("AddCollaboratorOption", {"permission": text("Permission", "In(read,write,admin)")})
FORK = Form("CreateForkOption", {"organization": text("Organization"), "name": text("Name")})
CREATE_BRANCH = Form(
    "CreateBranchRepoOption",
    {
        "new_branch_name": text("BranchName", "Required", "GitRefName", "MaxSize(100)"),
        "old_branch_name": text("OldBranchName", "GitRefName", "MaxSize(100)"),
        "old_ref_name": text("OldRefName", "GitRefName", "MaxSize(100)"),
    },
)
RENAME_BRANCH = Form("RenameBranchRepoOption", {"name": text("Name", "Required", "GitRefName", "MaxSize(100)")})
UPDATE_BRANCH = Form(
    "UpdateBranchRepoOption",
    {
        "new_commit_id": text("NewCommitID", "Required"),
        "old_commit_id": text("OldCommitID"),
        "force": flag("Force"),
    },
)
PROTECTION = Form(
    "CreateBranchProtectionOption",
    {
        "branch_name": text("BranchName"),
        "rule_name": text("RuleName"),
        "priority": _int("Priority"),
        **{
            key: flag(key)
            for key in (
                "enable_push", "enable_push_whitelist", "push_whitelist_deploy_keys", "enable_force_push",
                "enable_force_push_allowlist", "force_push_allowlist_deploy_keys", "enable_merge_whitelist",
                "enable_status_check", "enable_approvals_whitelist", "block_on_rejected_reviews",
                "block_on_official_review_requests", "block_on_outdated_branch", "dismiss_stale_approvals",
                "ignore_stale_approvals", "require_signed_commits", "block_admin_merge_override",
            )
        },
        **{
            key: _list(key)
            for key in (
                "push_whitelist_usernames", "push_whitelist_teams", "force_push_allowlist_usernames",
                "force_push_allowlist_teams", "merge_whitelist_usernames", "merge_whitelist_teams",
                "status_check_contexts", "approvals_whitelist_username", "approvals_whitelist_teams",
            )
        },
        "required_approvals": _int("RequiredApprovals"),
        "protected_file_patterns": text("ProtectedFilePatterns"),
        "unprotected_file_patterns": text("UnprotectedFilePatterns"),
    },
)  # fmt: skip
_FILE = {
    "message": text("Message"),
    "branch": text("BranchName", "GitRefName", "MaxSize(100)"),
    "new_branch": text("NewBranchName", "GitRefName", "MaxSize(100)"),
    "author": _object("Author"),
    "committer": _object("Committer"),
    "dates": _object("Dates"),
    "signoff": flag("Signoff"),
}
CREATE_FILE = Form("CreateFileOptions", {**_FILE, "content": text("ContentBase64")})
UPDATE_FILE = Form(
    "UpdateFileOptions",
    {**_FILE, "sha": text("SHA"), "content": text("ContentBase64"), "from_path": text("FromPath", "MaxSize(500)")},
)
DELETE_FILE = Form("DeleteFileOptions", {**_FILE, "sha": text("SHA", "Required")})
CHANGE_FILES = Form("ChangeFilesOptions", {**_FILE, "files": _list("Files", "Required")})
CREATE_TAG = Form(
    "CreateTagOption",
    {"tag_name": text("TagName", "Required"), "message": text("Message"), "target": text("Target")},
)
CREATE_RELEASE = Form(
    "CreateReleaseOption",
    {
        "tag_name": text("TagName", "Required", "GitRefName", "MaxSize(255)"),
        "target_commitish": text("Target"),
        "name": text("Title"),
        "body": text("Note"),
        "draft": flag("IsDraft"),
        "prerelease": flag("IsPrerelease"),
    },
)
EDIT_RELEASE = Form(
    "EditReleaseOption",
    {**CREATE_RELEASE.fields, "tag_name": text("TagName")},
)
CREATE_PULL = Form(
    "CreatePullRequestOption",
    {
        "head": text("Head", "Required"),
        "base": text("Base", "Required"),
        "title": text("Title", "Required"),
        "body": text("Body"),
        "assignee": text("Assignee"),
        "assignees": _list("Assignees"),
        "reviewers": _list("Reviewers"),
        "labels": _list("Labels"),
        "milestone": _int("Milestone"),
        "allow_maintainer_edit": flag("AllowMaintainerEdit"),
    },
)
EDIT_PULL = Form(
    "EditPullRequestOption",
    {
        "title": text("Title"),
        "body": text("Body"),
        "base": text("Base"),
        "assignee": text("Assignee"),
        "assignees": _list("Assignees"),
        "state": text("State"),
        "labels": _list("Labels"),
        "allow_maintainer_edit": flag("AllowMaintainerEdit"),
    },
)
MERGE = Form(
    "MergePullRequestForm",
    {
        "do": text("Do", "Required", "In(merge,rebase,rebase-merge,squash,fast-forward-only,manually-merged)"),
        "mergetitlefield": text("MergeTitleField"),
        "mergemessagefield": text("MergeMessageField"),
        "mergecommitid": text("MergeCommitID"),
        "head_commit_id": text("HeadCommitID"),
        "force_merge": flag("ForceMerge"),
        "merge_when_checks_succeed": flag("MergeWhenChecksSucceed"),
        "delete_branch_after_merge": flag("DeleteBranchAfterMerge"),
    },
)
REVIEW = Form(
    "CreatePullReviewOptions",
    {
        "event": text("Event"),
        "body": text("Body"),
        "commit_id": text("CommitID"),
        "comments": _list("Comments"),
    },
)
REVIEWERS = Form("PullReviewRequestOptions", {"reviewers": _list("Reviewers"), "team_reviewers": _list("Teams")})
_LABEL = {
    "name": text("Name", "MaxSize(50)"),
    "color": text("Color"),
    "description": text("Description"),
    "exclusive": flag("Exclusive"),
    "is_archived": flag("IsArchived"),
}
CREATE_LABEL = Form(
    "CreateLabelOption",
    {**_LABEL, "name": text("Name", "Required", "MaxSize(50)"), "color": text("Color", "Required")},
)
EDIT_LABEL = Form("EditLabelOption", _LABEL)
LABELS = Form("IssueLabelsOption", {"labels": _list("Labels")})
EDIT_ISSUE = Form(
    "EditIssueOption",
    {
        "title": text("Title"),
        "body": text("Body"),
        "state": text("State"),
    },
)
COMMENT = Form("CreateIssueCommentOption", {"body": text("Body", "Required")})
EDIT_COMMENT = Form("EditIssueCommentOption", {"body": text("Body", "Required")})
STATUS = Form(
    "CreateStatusOption",
    {
        "state": text("State"),
        "target_url": text("TargetURL"),
        "description": text("Description"),
        "context": text("Context"),
    },
)
CREATE_HOOK = Form(
    "CreateHookOption",
    {
        "type": text("Type", "Required"),
        "config": _object("Config", "Required"),
        "events": _list("Events"),
        "branch_filter": text("BranchFilter"),
        "active": flag("Active"),
        "authorization_header": text("AuthorizationHeader"),
    },
)
EDIT_HOOK = Form(
    "EditHookOption",
    {
        "config": _object("Config"),
        "events": _list("Events"),
        "branch_filter": text("BranchFilter"),
        "active": flag("Active"),
        "authorization_header": text("AuthorizationHeader"),
    },
)
CREATE_VARIABLE = Form("CreateVariableOption", {"value": text("Value", "Required"), "description": text("Description")})
UPDATE_VARIABLE = Form(
    "UpdateVariableOption",
    {"name": text("Name"), "value": text("Value", "Required"), "description": text("Description")},
)
SECRET = Form("CreateOrUpdateSecretOption", {"data": text("Data", "Required"), "description": text("Description")})
DISPATCH = Form("CreateActionWorkflowDispatch", {"ref": text("Ref", "Required"), "inputs": _object("Inputs")})
