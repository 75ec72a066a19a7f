"""Uploading and downloading files to a storage."""

from __future__ import annotations

import secrets

from harness.embedded.node import uploads
from harness.embedded.node.errors import failure
from harness.embedded.node.routing import Call, route
from harness.embedded.node.tasks import Task

_STORAGE = "/nodes/{node}/storage/{storage}"


@route("POST", f"{_STORAGE}/upload")
def upload(call: Call) -> str:
    """Keep an uploaded file; the task ``imgcopy`` moves it to its place."""
    storage = call.node.storages.usable(call.need("storage"), call.node.name)
    content, name = call.need("content"), uploads.safe_name(call.need("filename"))
    if "filename" not in call.uploads:
        raise failure("missing temporary file name")
    uploads.check(storage, content, name, uploaded=True)
    data = call.uploads["filename"].data
    source = f"/var/tmp/pveupload-{secrets.token_hex(16)}"  # noqa: S108  # only named in the log, as PVE does
    target = call.node.storages.file_path(f"{storage.name}:{content}/{name}")

    def work(task: Task) -> None:
        task.log(f"starting file import from: {source}")
        uploads.check_sum(data, call.params)
        if call.get("checksum"):
            task.log("calculating checksum...OK, checksum verified")
        task.log(f"target node: {call.node.name}")
        task.log(f"target file: {target}")
        task.log(f"file size is: {len(data)}")
        task.log(f"command: cp -- {source} {target}")
        uploads.keep(call.node, storage, content, name, data)
        task.log("finished file import successfully")

    return call.node.tasks.start("imgcopy", "", call.user, work)


@route("POST", f"{_STORAGE}/download-url")
def download_url(call: Call) -> str:
    """Fetch a file from an address."""
    storage = call.node.storages.usable(call.need("storage"), call.node.name)
    content, name = call.need("content"), uploads.safe_name(call.need("filename"))
    uploads.check(storage, content, name)
    volid, url = f"{storage.name}:{content}/{name}", call.need("url")
    target = call.node.storages.file_path(volid)

    def work(task: Task) -> None:
        if call.get("compression") and content != "iso":
            raise failure(f"decompression not supported for {content}")
        task.log(f"downloading {url} to {target}")
        if volid in call.node.storages.volumes and not _same(call):
            raise failure(f"refusing to override existing file '{target}'")
        data = uploads.fetch(url)
        uploads.check_sum(data, call.params)
        uploads.keep(call.node, storage, content, name, data)
        task.log(f"download of '{url}' to '{target}' finished")

    return call.node.tasks.start("download", name, call.user, work)


def _same(call: Call) -> bool:
    """With a checksum, a file that is there already may be fetched again."""
    return bool(call.get("checksum"))
