"""Models of Replicate as data, as ``[models.NAME]`` in config.toml has them: further ones go there.

Names, ranges and defaults are from the models' own pages; at run time each is asked for its own
schema again, so that a change there is an error with a name and no surprise.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cosmos_workflow.config.settings import ModelSettings

_COG = ModelSettings(
    slug="thudm/cogvideox-t2v",
    frames="num_frames",
    frame_step=8,
    inputs={"seed": "seed", "num_steps": "num_inference_steps", "guidance": "guidance_scale"},
    fixed={"num_frames": 49, "num_inference_steps": 50, "guidance_scale": 6.0},
)

_WAN = ModelSettings(
    slug="wavespeedai/wan-2.1-t2v-480p",
    frames="num_frames",
    frame_step=4,
    inputs={
        "seed": "seed",
        "num_steps": "sample_steps",
        "guidance": "sample_guide_scale",
        "fps": "frames_per_second",
    },
    fixed={
        "num_frames": 81,
        "frames_per_second": 16,
        "sample_steps": 30,
        "sample_guide_scale": 5.0,
    },
)

_LTX = ModelSettings(
    slug="lightricks/ltx-video-0.9.7",
    version="000b2483c2b533e027b97eb37857681d61f5590843f379b325bc3df98a9dca0e",
    negative_prompt="negative_prompt",
    image="image",
    frames="num_frames",
    frame_step=8,
    inputs={
        "seed": "seed",
        "num_steps": "num_inference_steps",
        "guidance": "guidance_scale",
        "fps": "fps",
    },
    fixed={
        "width": 704,
        "height": 480,
        "num_frames": 161,
        "num_inference_steps": 50,
        "guidance_scale": 3.0,
        "fps": 24,
    },
)

MODELS: Mapping[str, ModelSettings] = MappingProxyType(
    {
        "cogvideox_t2v": _COG,
        "cogvideox_i2v": _COG.model_copy(
            update={
                "slug": "thudm/cogvideox-i2v",
                "version": "82caaa79520e03b3963c975e38dd68ac8a6b18a8a39c19fd8dc03b4ed4b91c58",
                "image": "image",
                "needs_image": True,
            }
        ),
        "ltx": _LTX,
        "wan_t2v": _WAN,
        "wan_i2v": _WAN.model_copy(
            update={
                "slug": "wavespeedai/wan-2.1-i2v-480p",
                "image": "image",
                "needs_image": True,
            }
        ),
    }
)
"""What ``--option model=NAME`` knows without a config; one of the same name there wins."""
