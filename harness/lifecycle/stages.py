"""The stages of a container's way to a verified revision, as the suite calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.controlplane import deployment
from harness.converge import engine, mirror
from harness.converge.cookbook import HELPERS, Cookbook
from harness.converge.engine import EngineChoice
from harness.converge.mirror import MirrorAnswer
from harness.converge.results import ConvergeResult
from harness.kit.errors import HarnessError, UsageError
from harness.lifecycle import (
    attributes,
    carrying,
    forge_attributes,
    handover,
    journal,
    provisioning,
    stamp,
    trust,
    whereabouts,
)
from harness.lifecycle.context import ADMIN, StageContext
from harness.lifecycle.errors import NotIdempotentError
from harness.lifecycle.evidence import Evidence
from harness.lifecycle.plan import ContainerPlan, Plan
from harness.lifecycle.workspace import Say, Workspace
from harness.provision import base as base_role
from harness.remote import keys


class LifecycleStages:
    """The stages of every container of a plan, by name, in one process. Keeps one connection for each."""

    def __init__(self, workspace: Workspace, plan: Plan, say: Say = lambda _line: None) -> None:
        self._workspace = workspace
        self._entries: Mapping[str, ContainerPlan] = {entry.name: entry for entry in plan.containers}
        self._contexts: dict[str, StageContext] = {}
        self._say = say
        self._mirror: MirrorAnswer | None = None

    def context(self, container: str) -> StageContext:
        """What the stages of ``container`` work with."""
        if container not in self._contexts:
            if container not in self._entries:
                raise UsageError(f"{container} is not in the plan")
            found = self._workspace.inventory[container]
            self._contexts[container] = StageContext(found, self._entries[container], self._workspace, self._say)
        return self._contexts[container]

    def provision(self, container: str) -> Evidence:
        """Create or change it, start it, wait until ssh answers."""
        return provisioning.provision(self.context(container))

    def base(self, container: str) -> Evidence:
        """Packages, trust, users, keys, sshd, locale, time zone; a full upgrade only where root could still log in."""
        context = self.context(container)
        context.begin()
        connection = context.early_connection()
        fresh = connection.user != ADMIN
        pair = keys.ensure_key(self._workspace.share.keys, context.container.vmid)
        result = base_role.apply_base(
            connection,
            public_key=pair.public,
            upgrade=fresh,
            authority=trust.certificate(self._workspace.share),
            on_step=lambda step: context.note(f"{step.name}: {'changed' if step.changed else 'holds'}"),
        )
        if fresh:
            self._workspace.connections.drop(context.container.vmid)
        steps = [{"name": step.name, "changed": step.changed, "seconds": step.seconds} for step in result.steps]
        return context.evidence(result.changed, {"steps": steps, "upgraded": fresh})

    def converge(self, container: str) -> Evidence:
        """Run its cookbook."""
        context = self.context(container)
        context.begin()
        carrying.restore(context)
        choice, result = self._run_cookbook(context)
        if context.container.is_control_plane:
            self._hand_over(context)
        return context.evidence(result.changed, _facts(choice, result), result.tail)

    def _hand_over(self, context: StageContext) -> None:
        """Give the control plane what it needs to go on from there; nothing when it is the one that we run in."""
        workspace = self._workspace
        if whereabouts.is_ourselves(workspace, context.container):
            return
        recipient = handover.recipient_on(workspace, context.container, context.connection())
        handover.pack(workspace, recipient.reach, context.note)
        handover.hand_over(workspace, recipient, context.note, all_requests=True)

    def idempotence(self, container: str) -> Evidence:
        """Run its cookbook again. Raises ``NotIdempotentError`` when that changes anything."""
        context = self.context(container)
        choice, result = self._run_cookbook(context)
        if result.changed:
            raise NotIdempotentError(container, result.changed, result.tail)
        return context.evidence((), _facts(choice, result), result.tail)

    def _run_cookbook(self, context: StageContext) -> tuple[EngineChoice, ConvergeResult]:
        workspace, container = self._workspace, context.container
        context.revision  # noqa: B018  (raises when the files are not the planned ones)
        choice = engine.choose_engine(container.engine, self._mirror_answer(container.engine))
        context.note(f"engine {choice.name}: {choice.reason}")
        known: Mapping[str, Any] = attributes.complete(
            container,
            workspace.inventory,
            workspace.login,
            workspace.password,
            sees_neighbours=workspace.revisions.sees_neighbours(container),
        ) | forge_attributes.of(workspace, container)
        cookbook = Cookbook(container.name, container.cookbook, workspace.root / HELPERS)
        if container.is_control_plane:
            cookbook, known = self._control_plane(context, cookbook, known)
        result = engine.converge(context.connection(), cookbook, known, choice, on_line=context.say)
        return choice, result

    def _control_plane(
        self, context: StageContext, cookbook: Cookbook, known: Mapping[str, Any]
    ) -> tuple[Cookbook, Mapping[str, Any]]:
        """Its cookbook with the harness and all its packages in it, and what the recipe has to know of them."""
        workspace = self._workspace
        made = deployment.prepare(
            context.container,
            root=workspace.root,
            share=workspace.share,
            login=workspace.login,
            connection=context.connection(),
            say=context.note,
            settings=workspace.settings,
        )
        return replace(cookbook, more=made.files), {**known, deployment.ATTRIBUTE: made.attributes}

    def _mirror_answer(self, setting: str) -> MirrorAnswer:
        """The Cinc mirror's answer, asked for once and only where it matters."""
        if setting == engine.ITAMAE:
            return MirrorAnswer(self._workspace.settings.cinc_mirror or mirror.DEFAULT_MIRROR, None, "not asked")
        if self._mirror is None:
            self._mirror = mirror.ask_mirror(self._workspace.settings.cinc_mirror)
        return self._mirror

    def release(self, container: str) -> Evidence:
        """Stamp it with the planned revision: the caller knows that every item of it has passed."""
        context = self.context(container)
        config = context.actuator.owned(context.names)
        description = str(config.get("description", ""))
        wanted = stamp.render(context.stamp(context.revision), description)
        changed = wanted.strip() != description.strip()
        if changed:
            context.actuator.write({"description": wanted}, config.get("digest"))
        facts = {"revision": context.revision.value, "commit": self._workspace.commit}
        return context.evidence(("stamp",) if changed else (), facts)

    def destroy(self, container: str) -> Evidence:
        """Delete it, when it is ours."""
        return provisioning.destroy(self.context(container))

    def holds(self, container: str, stage: str) -> str | None:
        """None when ``stage`` holds already, else what is missing. Changes nothing."""
        context = self.context(container)
        if stage == "provision":
            return provisioning.holds(context)
        if stage == "base":
            return _base_holds(context)
        passed = journal.passed(self._workspace.share.runs, container, context.entry.revision)
        return None if stage in passed else f"no run has passed {stage} for this revision"

    def close(self) -> None:
        """Give back connections."""
        self._workspace.close()


def _base_holds(context: StageContext) -> str | None:
    try:
        context.connection().run("true", sudo=True, timeout=30)
    except HarnessError as error:
        return f"no login as {ADMIN}: {error.message}"
    return None


def _facts(choice: EngineChoice, result: ConvergeResult) -> dict[str, Any]:
    resources = [
        {"name": str(one), "action": one.action, "changed": one.changed, "seconds": one.seconds}
        for one in result.resources
    ]
    return {"engine": choice.name, "reason": choice.reason, "seconds": result.seconds, "resources": resources}
