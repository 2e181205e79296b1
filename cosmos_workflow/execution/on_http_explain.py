"""A request as text, for ``--dry-run`` and ``cosmos plan``."""

from __future__ import annotations

import json
from pathlib import Path

from cosmos_workflow.execution.dialect import Call
from cosmos_workflow.execution.job import Attached, Derived, RequestJob, fill_attached

_FORMS = {
    "file": "the file",
    "base64": "the file in base64",
    "data_uri": "the file as a data URI",
    "path": "where the server finds the file",
    "url": "where the file was uploaded",
}


def explain(target: str, url: str, call: Call, job: RequestJob) -> str:
    """Method, address, fields, and each file with its size; no token is in it."""
    files = {item.key: item for item in job.inputs}
    lines = [f"target    {target} ({url}, {job.dialect})", "inputs"]
    for item in job.inputs:
        source = item.source
        if isinstance(source, Derived):
            settings = ", ".join(f"{key} {value}" for key, value in source.settings.items())
            text = f"made: {source.recipe} ({settings}) from {source.source}"
        else:
            text = f"{source}{_size(source)}"
        lines.append(f"  {item.key:<14} {text}")

    def named(attached: Attached) -> str:
        item = files[attached.key]
        return f"<{_FORMS[attached.form]}: {item.name}>"

    address = call.path if "://" in call.path else f"{url.rstrip('/')}/{call.path.lstrip('/')}"
    lines += ["request", f"  {call.method} {address} ({call.encoding})"]
    body = json.dumps(fill_attached(call.fields or {}, named), ensure_ascii=False, indent=2)
    lines += [f"  {line}" for line in body.splitlines()]
    return "\n".join(lines)


def _size(path: Path) -> str:
    if not path.is_file():
        return ""
    size = path.stat().st_size
    return f"  {size / 1e6:.1f} MB" if size >= 1e6 else f"  {size / 1e3:.1f} kB"
