"""The template list, and downloading from it."""

from __future__ import annotations

from typing import Any

from harness.embedded.node import storages
from harness.embedded.node.errors import bad_parameters, failure
from harness.embedded.node.node import Node
from harness.embedded.node.routing import Call, route
from harness.embedded.node.runtime import Template
from harness.embedded.node.tasks import Task

_SOURCE = "http://download.proxmox.com/images"
_INFO = "https://pve.proxmox.com/wiki/Linux_Container#pct_supported_distributions"


@route("GET", "/nodes/{node}/aplinfo")
def list_templates(call: Call) -> list[dict[str, Any]]:
    """What can be downloaded."""
    return [_listed(template) for template in call.node.runtime.templates()]


def _listed(template: Template) -> dict[str, Any]:
    return {
        "template": template.name,
        "package": template.name.partition("_")[0],
        "os": template.os,
        "version": template.version,
        "section": template.section,
        "type": "lxc",
        "architecture": template.architecture,
        "headline": template.headline,
        "description": template.description,
        "infopage": _INFO,
        "maintainer": "Proxmox Support Team <support@proxmox.com>",
        "source": _SOURCE,
        "location": f"{_SOURCE}/{template.section}/{template.name}",
        "md5sum": "",
        "sha512sum": "",
    }


@route("POST", "/nodes/{node}/aplinfo")
def download_template(call: Call) -> str:
    """Start the task ``download``."""
    name = call.need("template")
    storage = call.node.storages.usable(call.need("storage"), call.node.name)
    if name not in {template.name for template in call.node.runtime.templates()}:
        raise bad_parameters(template="no such template")
    if "vztmpl" not in storage.content:
        raise failure(f"cannot download to storage '{storage.name}': storage type or content does not allow templates")
    return call.node.tasks.start("download", name, call.user, lambda task: fetch(call.node, storage, name, task))


def fetch(node: Node, storage: storages.Storage, name: str, task: Task) -> None:
    """Get a template and note it as a volume of the storage."""
    volid = f"{storage.name}:vztmpl/{name}"
    if volid in node.storages.volumes:
        task.log(f"{node.storages.file_path(volid)} with same checksum already exists, no need for re-download")
        return
    task.log(f"getting {name} for {node.storages.file_path(volid)}")
    image = node.runtime.fetch_template(name, task.log)
    task.log(f"image: {image}")
    note_template(node, storage.name, name)
    task.log(f"download of '{name}' finished")


def note_template(node: Node, storage: str, name: str) -> None:
    """Make a fetched template a volume."""
    known = next((t.size_bytes for t in node.runtime.templates() if t.name == name), 0)
    size = known or 89_888_820
    node.storages.add(f"{storage}:vztmpl/{name}", "vztmpl", size, format=storages.template_format(name))
