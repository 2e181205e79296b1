"""Loading and asking a model; the one file where faults of torch and transformers become ours."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, TypeVar

from cosmos_workflow.errors import ConfigError, CosmosError, MissingExtra
from cosmos_workflow.local_ai.model import Model, Role, again
from cosmos_workflow.local_ai.place import Place, free

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

_Answer = TypeVar("_Answer")

_CLASSES: dict[Role, tuple[str, str]] = {
    "caption": ("BlipForConditionalGeneration", "BlipProcessor"),
    "tags": ("ViTForImageClassification", "AutoImageProcessor"),
    "objects": ("DetrForObjectDetection", "AutoImageProcessor"),
}


@dataclass(frozen=True)
class Loaded:
    """A model ready to be asked: transformers' processor and network, and where they run."""

    processor: Any
    network: Any
    place: Place

    def inputs(self, frames: Sequence[Frame]) -> Any:
        """RGB frames (H, W, 3) uint8 as the tensors that the network takes, on its device."""
        made = self.processor(images=list(frames), return_tensors="pt")
        return made.to(self.place.device, self.network.dtype)


class Overflow(ArithmeticError):
    """A model gave answers that are no numbers."""


def answers(
    model: Model,
    folder: Path,
    place: Place,
    frames: Sequence[Frame],
    batch: int,
    ask: Callable[[Loaded, Sequence[Frame]], list[_Answer]],
) -> list[_Answer]:
    """What the model says of each frame, ``batch`` frames at once; its memory is free afterwards.

    A model whose numbers do not fit into 16 bits is asked again with 32.  Raises MissingExtra
    (weights that cannot be loaded), ConfigError (too little memory).
    """
    for spot in dict.fromkeys((place, replace(place, half=False))):
        with suppress(Overflow):
            return _asked(model, folder, spot, frames, batch, ask)
    raise MissingExtra(
        f"the {model.role} model {model} gives answers that are no numbers",
        hint=f"its weights are damaged; {again(model, folder)}",
    )


def _asked(
    model: Model,
    folder: Path,
    place: Place,
    frames: Sequence[Frame],
    batch: int,
    ask: Callable[[Loaded, Sequence[Frame]], list[_Answer]],
) -> list[_Answer]:
    import torch

    said: list[_Answer] = []
    loaded: Loaded | None = None
    try:
        with _quiet(), torch.inference_mode(), _running(model, place):
            loaded = load(model, folder, place)
            for at in range(0, len(frames), batch):
                said += ask(loaded, frames[at : at + batch])
    finally:
        loaded = None
        free(place)
    return said


def load(model: Model, folder: Path, place: Place) -> Loaded:
    """The model in ``folder``, on its device, ready to be asked.  Raises MissingExtra."""
    import transformers

    network_class, processor_class = (getattr(transformers, name) for name in _CLASSES[model.role])
    with _loading(model, folder):
        # the processor without torchvision, whose numbers are the same on every machine
        processor = processor_class.from_pretrained(folder, local_files_only=True, backend="pil")
        network, found = network_class.from_pretrained(
            folder,
            local_files_only=True,
            dtype="float16" if place.half else "float32",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told below, in our words
        )
    lacking = [name for name in map(str, found["missing_keys"]) if name.endswith("weight")]
    odd = sorted([*lacking, *(str(key[0]) for key in found["mismatched_keys"])])
    if odd:
        # transformers fills such gaps with random numbers, and the answers would be noise
        raise MissingExtra(
            f"the {model.role} model {model} lacks {len(odd)} of its weights: {odd[0]}",
            hint=f"name one that was trained for this in {model.key}; or {again(model, folder)}",
        )
    return Loaded(processor, network.to(place.device).eval(), place)


@contextmanager
def _loading(model: Model, folder: Path) -> Iterator[None]:
    """Whatever files can be wrong with, as one error of ours."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    except ImportError as error:
        raise _lacks_library(model, error) from error
    except (
        OSError, ValueError, TypeError, KeyError, RuntimeError, EOFError,
        pickle.UnpicklingError, SafetensorError, StrictDataclassError,
    ) as error:  # fmt: skip
        if _out_of_memory(error):
            raise
        raise MissingExtra(
            f"the {model.role} model {model} cannot be loaded from {folder}: {_reason(error)}",
            hint=f"its files are damaged, or only pointers of git-LFS; {again(model, folder)}",
        ) from error


@contextmanager
def _running(model: Model, place: Place) -> Iterator[None]:
    """What a device can be short of, or fail with, as errors of ours."""
    try:
        yield
    except (RuntimeError, Overflow) as error:
        clear_frames(error.__traceback__)  # they hold the model, and the next one needs its room
        if isinstance(error, Overflow):
            raise
        if _out_of_memory(error):
            raise ConfigError(
                f"{place.device} has too little memory for the {model.role} model {model}",
                hint='set a smaller batch in [ai], or device = "cpu"',
            ) from error
        raise CosmosError(
            f"the {model.role} model {model} failed on {place.device}: {_reason(error)}",
            hint='device = "cpu" in [ai] runs it without the GPU' if place.half else "",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no advice of transformers on the user's terminal; as it was, afterwards."""
    from transformers.utils import logging as theirs

    logging: Any = theirs  # its functions have no types
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _lacks_library(model: Model, error: ImportError) -> MissingExtra:
    if "timm" in str(error):
        return MissingExtra(
            f"the {model.role} model {model} needs the library timm in this revision",
            hint='objects_revision = "no_timm" in [ai] needs nothing more; or pip install timm',
        )
    return MissingExtra(
        f"the {model.role} model {model} needs a library that is not installed: {_reason(error)}",
        hint="pip install what it names, or name another model",
    )


def _out_of_memory(error: BaseException) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()


def _reason(error: BaseException) -> str:
    """The first line of what a library says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
