"""The sample shot's passes as a renderer writes them: light, distance, normals, object ids."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cosmos_workflow.houdini import sample_scene as scene
from cosmos_workflow.houdini.crypto_ids import id_of
from cosmos_workflow.houdini.sample_draw import Floats, rays
from cosmos_workflow.houdini.sample_light import undevelop
from cosmos_workflow.houdini.sample_shot import View

NOTHING = np.float32(1e10)
"""The distance where nothing was hit."""

_RANKS = 2
"""Cryptomatte layers; each holds two objects of a pixel."""


def object_name(thing: str) -> str:
    """The place of a kind of object in the scene."""
    return f"/pavilion/{thing}"


def manifest() -> dict[str, str]:
    """Name -> id as eight hex digits, of every object there is."""
    names = sorted(object_name(thing) for thing in scene.THINGS)
    return {name: f"{id_of(name):08x}" for name in names}


def channels(view: View) -> dict[str, NDArray[np.floating]]:
    """Every channel by its name, (H, W): half where half is enough."""
    distance = view.seen.depth[::2, ::2]
    light = undevelop(view.picture).astype(np.float16)
    found: dict[str, NDArray[np.floating]] = {
        **{name: np.ascontiguousarray(light[..., number]) for number, name in enumerate("RGB")},
        "A": np.isfinite(distance).astype(np.float16),
        "Pz": np.where(np.isfinite(distance), distance, NOTHING).astype(np.float32),
    }
    normals = _normals(view).astype(np.float16)
    found |= {
        f"N.{name}": np.ascontiguousarray(normals[..., number]) for number, name in enumerate("xyz")
    }
    for rank, pair in enumerate(_matte(view)):
        found |= {f"crypto_object{rank:02d}.{name}": plane for name, plane in pair.items()}
    return found


def _normals(view: View) -> Floats:
    """Which way each surface faces, (H, W, 3); 0 for the sky."""
    distance, surface = view.seen.depth[::2, ::2], view.seen.surface[::2, ::2]
    ray = np.stack(np.broadcast_arrays(*rays(view.camera, *distance.shape[::-1])), axis=-1)
    normals = np.zeros((*distance.shape, 3), np.float32)
    flat = surface > 0
    face = surface & 7
    number = surface >> 8
    level = [scene.THINGS[one].number for one in ("ground", "plaza", "pool")]
    up = flat & np.isin(number, level)
    normals[up] = 0, 1, 0
    for axis in range(3):
        for facing in (0, 1):
            mine = flat & ~up & (face == axis * 2 + facing)
            normals[mine] = np.eye(3)[axis] * (1 if facing else -1)
    for ball in view.balls:
        mine = surface == ball.surface
        place = np.array(view.camera.origin) + ray[mine] * distance[mine][:, None]
        normals[mine] = (place - ball.centre) / np.square(ball.radii)
    far = number == scene.THINGS["mountains"].number
    normals[far] = -ray[far]
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(normals / np.maximum(length, 1e-6), np.float32)


@cache
def _ids() -> NDArray[np.uint32]:
    """The id of each kind of object by its number in the buffers; 0 for the sky."""
    found = np.zeros(256, np.uint32)
    for name, thing in scene.THINGS.items():
        found[thing.number] = id_of(object_name(name))
    return found


def _matte(view: View) -> list[dict[str, Floats]]:
    """The ranks: of the four samples of each pixel, the objects and their shares, most first."""
    ids = _ids()[view.seen.surface >> 8]
    four = np.stack([ids[y::2, x::2] for y in (0, 1) for x in (0, 1)])
    shares = np.zeros((4, *four.shape[1:]), np.float32)
    shares[0] = four[0] != 0
    torn = np.nonzero((four != four[0]).any(axis=0))
    some = four[:, torn[0], torn[1]]
    count = (some[:, None] == some[None]).sum(axis=1)
    for number in range(1, 4):
        count[number][(some[:number] == some[number]).any(axis=0)] = 0
    count[some == 0] = 0
    order = np.argsort(-count, axis=0, kind="stable")
    shares[:, torn[0], torn[1]] = np.take_along_axis(count, order, axis=0) / 4
    four[:, torn[0], torn[1]] = np.take_along_axis(some, order, axis=0)
    same = np.ones(four.shape[1:], bool)
    same[torn] = False
    four[1:, same] = 0
    four[shares == 0] = 0
    planes = four.view(np.float32)
    return [
        {
            "r": planes[2 * rank],
            "g": shares[2 * rank],
            "b": planes[2 * rank + 1],
            "a": shares[2 * rank + 1],
        }
        for rank in range(_RANKS)
    ]
