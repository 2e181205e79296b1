"""Jobs as JSON objects, for ``job.json`` in a run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cosmos_workflow.execution.job import (
    Attached,
    CommandJob,
    Derived,
    Input,
    Job,
    Place,
    RequestJob,
    WrittenFile,
)

_MARKS = {"$place", "$attached", "$object"}


def job_to_json(job: Job) -> dict[str, Any]:
    """The job as a JSON object; ``job_from_json`` is its inverse."""
    inputs = [
        {
            "key": item.key, "name": item.name, "sha256": item.sha256, "size": item.size,
            "source": _pack_source(item.source),
        }
        for item in job.inputs
    ]  # fmt: skip
    if isinstance(job, RequestJob):
        return {**asdict(job), "body": _pack(job.body), "inputs": inputs}
    return {
        **asdict(job),
        "argv": [_pack(arg) for arg in job.argv],
        "inputs": inputs,
        "files": [
            {"path": file.path, "json": _pack(file.json), "script": file.script}
            for file in job.files
        ],
    }


def job_from_json(data: Mapping[str, Any]) -> Job:
    """Read back what ``job_to_json`` wrote."""
    return _request(data) if "dialect" in data else _command(data)


def _request(data: Mapping[str, Any]) -> RequestJob:
    return RequestJob(
        name=data["name"],
        engine=data["engine"],
        dialect=data["dialect"],
        route=data["route"],
        body=_unpack(data["body"]),
        encoding=data["encoding"],
        outputs=_outputs(data),
        secrets=tuple(data["secrets"]),
        inputs=_inputs(data),
        time_limit=data["time_limit"],
        parameters=_parameters(data),
        requires=tuple(data.get("requires", ())),
        patience=data.get("patience", 0),
        attempts=data.get("attempts", 1),
        expects=dict(data.get("expects", {})),
    )


def _outputs(data: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {run: tuple(patterns) for run, patterns in data["outputs"].items()}


def _inputs(data: Mapping[str, Any]) -> tuple[Input, ...]:
    return tuple(
        Input(i["key"], i["name"], _unpack_source(i["source"]), i["sha256"], i["size"])
        for i in data["inputs"]
    )


def _command(data: Mapping[str, Any]) -> CommandJob:
    return CommandJob(
        name=data["name"],
        engine=data["engine"],
        argv=tuple(_unpack(arg) for arg in data["argv"]),
        outputs=_outputs(data),
        image=data["image"],
        env=dict(data["env"]),
        secrets=tuple(data["secrets"]),
        gpus=data["gpus"],
        cuda_devices=data["cuda_devices"],
        inputs=_inputs(data),
        files=tuple(WrittenFile(f["path"], _unpack(f["json"]), f["script"]) for f in data["files"]),
        time_limit=data["time_limit"],
        parameters=_parameters(data),
        proofs=dict(data.get("proofs", {})),
        port=data.get("port", 0),
        after=tuple(data.get("after", ())),
    )


def _pack(value: Any) -> Any:
    """A hole as ``{"$place": [root, path]}`` or ``{"$attached": [...]}``: a string is just that.

    An object that looks like one of our marks is wrapped, so that no input can be read as a hole.
    """
    if isinstance(value, Place):
        return {"$place": [value.root, value.path]}
    if isinstance(value, Attached):
        return {"$attached": [value.key, value.form, value.media_type]}
    if isinstance(value, Mapping):
        packed = {key: _pack(item) for key, item in value.items()}
        return {"$object": packed} if _MARKS & set(packed) else packed
    if isinstance(value, list | tuple):
        return [_pack(item) for item in value]
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"$place"}:
            return Place(*value["$place"])
        if set(value) == {"$attached"}:
            return Attached(*value["$attached"])
        if set(value) == {"$object"}:
            value = value["$object"]
        return {key: _unpack(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    return value


def _pack_source(source: Path | Derived) -> Any:
    if isinstance(source, Derived):
        return {
            "recipe": source.recipe,
            "source": str(source.source),
            "settings": dict(source.settings),
        }
    return str(source)


def _unpack_source(data: Any) -> Path | Derived:
    if isinstance(data, Mapping):
        return Derived(data["recipe"], Path(data["source"]), dict(data["settings"]))
    return Path(data)


def _parameters(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """By run; older jobs had one run, and its parameters by themselves."""
    found: dict[str, Any] = dict(data.get("parameters", {}))
    if all(run_id in data["outputs"] for run_id in found):
        return found
    return dict.fromkeys(data["outputs"], found)
