"""What Replicate refuses: bodies, headers and inputs, by its reference and each model's schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HEX = "0123456789abcdef" * 4
LTX = "000b2483c2b533e027b97eb37857681d61f5590843f379b325bc3df98a9dca0e"
COG_I2V = "82caaa79520e03b3963c975e38dd68ac8a6b18a8a39c19fd8dc03b4ed4b91c58"

NUMBER: dict[str, Any] = {"type": "number"}
SEED = {"type": "integer", "title": "Seed", "nullable": True}


def whole(default: int, low: int | None = None, high: int | None = None) -> dict[str, Any]:
    bounds = {"minimum": low, "maximum": high}
    return {
        "type": "integer",
        "default": default,
        **{k: v for k, v in bounds.items() if v is not None},
    }


def document(properties: Mapping[str, Any], required: list[str], output: Any) -> dict[str, Any]:
    """``openapi_schema`` as the models have it."""
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "components": {
            "schemas": {
                "Input": {
                    "type": "object", "title": "Input", "required": required,
                    "properties": dict(properties),
                },
                "Output": output,
                "aspect_ratio": {
                    "type": "string", "title": "aspect_ratio", "enum": ["16:9", "9:16"],
                },
            }
        },
    }  # fmt: skip


URI = {"type": "string", "title": "Output", "format": "uri"}
URIS = {"type": "array", "title": "Output", "items": {"type": "string", "format": "uri"}}
_COG = {
    "prompt": {"type": "string", "default": "Starry sky slowly rotating."},
    "num_inference_steps": whole(50, 1, 500),
    "guidance_scale": {**NUMBER, "default": 6, "minimum": 1, "maximum": 20},
    "num_frames": whole(49),
    "seed": SEED,
}
_FILE = {"type": "string", "format": "uri"}
_WAN = {
    "prompt": {"type": "string"},
    "num_frames": whole(81, 5, 100),
    "aspect_ratio": {"allOf": [{"$ref": "#/components/schemas/aspect_ratio"}], "default": "16:9"},
    "frames_per_second": whole(16, 5, 24),
    "sample_steps": whole(30, 1, 40),
    "sample_guide_scale": {**NUMBER, "default": 5, "maximum": 10},
    "seed": SEED,
}
_WAN_I2V = {
    **{key: value for key, value in _WAN.items() if key != "aspect_ratio"},
    "image": _FILE,
    "max_area": {"type": "string", "enum": ["832x480", "480x832"], "default": "832x480"},
    "fast_mode": {"type": "string", "enum": ["Off", "Balanced", "Fast"], "default": "Balanced"},
    "sample_shift": {**NUMBER, "default": 3, "minimum": 1, "maximum": 10},
}
_LTX = {
    "prompt": {"type": "string"},
    "image": _FILE,
    "negative_prompt": {"type": "string", "default": "worst quality"},
    "width": whole(704),
    "height": whole(480),
    "num_frames": whole(161),
    "num_inference_steps": whole(50),
    "guidance_scale": {**NUMBER, "default": 3, "minimum": 1, "maximum": 10},
    "fps": whole(24),
    "seed": SEED,
}

MODELS: dict[str, dict[str, Any]] = {
    "thudm/cogvideox-t2v": {"version": HEX, "schema": document(_COG, [], URI)},
    "thudm/cogvideox-i2v": {
        "version": COG_I2V,
        "schema": document({**_COG, "image": _FILE}, ["image"], URI),
    },
    "lightricks/ltx-video-0.9.7": {"version": LTX, "schema": document(_LTX, ["prompt"], URI)},
    "wavespeedai/wan-2.1-t2v-480p": {
        "official": True,
        "version": "f" * 64,
        "schema": document(_WAN, ["prompt"], URIS),
    },
    "wavespeedai/wan-2.1-i2v-480p": {
        "official": True,
        "version": "e" * 64,
        "schema": document(_WAN_I2V, ["prompt", "image"], URI),
    },
    "me/flip": {
        "version": "a" * 64,
        "schema": document({"video": _FILE, "words": {"type": "string"}}, ["video"], URIS),
    },
}

DEPLOYMENTS = {"studio/ltx": "lightricks/ltx-video-0.9.7"}


class Refused(Exception):
    """A problem, as RFC 7807 has it."""

    def __init__(self, status: int, title: str, detail: str, fields: Any = None) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"title": title, "detail": detail, "status": status}
        if fields:
            self.body["invalid_fields"] = fields


def check_body(body: Any, *, versioned: bool) -> None:
    """The shape of a request to create."""
    known = {"input", "webhook", "webhook_events_filter", "stream"} | (
        {"version"} if versioned else set()
    )
    if not isinstance(body, dict):
        raise Refused(422, "Input validation failed", "the body is no object")
    wrong = [{"type": "unknown", "field": key, "description": "Additional property"}
             for key in body if key not in known]  # fmt: skip
    needed = ("input", *(["version"] if versioned else []))
    wrong += [{"type": "required", "field": key, "description": f"{key} is required"}
              for key in needed if key not in body]  # fmt: skip
    hook = body.get("webhook")
    if hook is not None and not str(hook).startswith("https://"):
        wrong.append({"type": "format", "field": "webhook", "description": "must be HTTPS"})
    events = body.get("webhook_events_filter", [])
    if set(events) - {"start", "output", "logs", "completed"}:
        wrong.append({"type": "enum", "field": "webhook_events_filter", "description": "unknown"})
    if wrong:
        raise Refused(422, "Input validation failed", "- see invalid_fields", wrong)


def check_headers(prefer: str | None, cancel_after: str | None) -> tuple[int, float | None]:
    """Seconds that the request is held, and seconds until it is ended."""
    hold = 0
    if prefer is not None:
        found = re.fullmatch(r"wait(?:=(\d+))?", prefer)
        if not found or not 1 <= int(found[1] or 60) <= 60:
            raise Refused(422, "Invalid header", f"Prefer: {prefer}")
        hold = int(found[1] or 60)
    if cancel_after is None:
        return hold, None
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", cancel_after)
    parts = [int(part or 0) for part in found.groups()] if found else [0, 0, 0]
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
    if seconds < 5:
        raise Refused(422, "Invalid header", f"Cancel-After: {cancel_after}")
    return hold, float(seconds)


def check_input(model: str, given: Any) -> None:
    """Held to the schema, field by field."""
    schemas = MODELS[model]["schema"]["components"]["schemas"]
    fields, required = schemas["Input"]["properties"], schemas["Input"]["required"]
    if not isinstance(given, dict):
        raise Refused(422, "Input validation failed", "input is no object")
    wrong = [(key, "is required") for key in required if key not in given]
    for key, value in given.items():
        rules = fields.get(key)
        if rules is None:
            wrong.append((key, "Additional property"))
            continue
        if "allOf" in rules:
            rules = schemas[rules["allOf"][0]["$ref"].rpartition("/")[2]]
        if said := _said(value, rules):
            wrong.append((key, said))
    if wrong:
        listed = [{"type": "input", "field": f"input.{key}", "description": said}
                  for key, said in wrong]  # fmt: skip
        raise Refused(422, "Input validation failed", "- see invalid_fields", listed)


def _said(value: Any, rules: Mapping[str, Any]) -> str:
    kinds: dict[str, Any] = {"string": str, "integer": int, "number": (int, float)}
    kind = rules["type"]
    if isinstance(value, bool) or not isinstance(value, kinds[kind]):
        return f"Expected: {kind}"
    if "enum" in rules and value not in rules["enum"]:
        return f"must be one of {rules['enum']}"
    if "minimum" in rules and value < rules["minimum"]:
        return f"Must be greater than or equal to {rules['minimum']}"
    if "maximum" in rules and value > rules["maximum"]:
        return f"Must be less than or equal to {rules['maximum']}"
    return ""
