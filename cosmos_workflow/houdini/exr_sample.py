"""Writes a frame of the sample shot as a renderer would: one EXR with all its layers."""

from __future__ import annotations

import json
from pathlib import Path

from cosmos_workflow.houdini.crypto_ids import id_of
from cosmos_workflow.houdini.sample_aovs import channels, manifest
from cosmos_workflow.houdini.sample_shot import View

_REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)
_MATTE = f"cryptomatte/{id_of('crypto_object'):08x}"[:-1]
"""What begins the attributes of ``crypto_object``: the first seven digits of its name's hash."""


def write_frame(path: Path, view: View) -> None:
    """``R G B A`` half in linear Rec.709, ``Pz``, ``N``, and a cryptomatte with its manifest."""
    import OpenEXR

    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "chromaticities": _REC709,
        "software": "cosmos sample",
        f"{_MATTE}/name": "crypto_object",
        f"{_MATTE}/hash": "MurmurHash3_32",
        f"{_MATTE}/conversion": "uint32_to_float32",
        f"{_MATTE}/manifest": json.dumps(manifest(), separators=(",", ":")),
    }
    OpenEXR.File(header, channels(view), num_threads=0).write(str(path))
