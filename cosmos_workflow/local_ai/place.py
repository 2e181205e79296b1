"""Where models run: a GPU when there is one, in half precision there."""

from __future__ import annotations

from dataclasses import dataclass

from cosmos_workflow.errors import ConfigError, MissingExtra

INSTALL = "pip install 'cosmos-workflow[ai]'"


@dataclass(frozen=True)
class Place:
    """A device of torch; ``half``: numbers of 16 bits, which a GPU is made for."""

    device: str
    half: bool


def find(asked: str) -> Place:
    """The device asked for; for ``auto`` the best there is: cuda, mps, cpu.

    Raises ConfigError when this machine has none such, MissingExtra without torch.
    """
    here = available()
    device = here[0] if asked == "auto" else asked
    if device not in here:
        raise ConfigError(
            f"[ai] device = {asked!r}: torch finds none on this machine",
            hint=f'here there is {" and ".join(here)}; device = "auto" takes the best there is',
        )
    return Place(device, half=device != "cpu")


def available() -> list[str]:
    """The devices of this machine, the best first.  Raises MissingExtra without torch."""
    check_extra()
    import torch

    cuda = ["cuda"] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]


def check_extra() -> None:
    """Raises MissingExtra unless the libraries are installed; none of them is loaded for that."""
    from importlib.util import find_spec

    wanted = ("torch", "transformers", "huggingface_hub")
    try:
        lacking = [name for name in wanted if find_spec(name) is None]
    except ImportError as error:
        lacking = [error.name or str(error)]
    if lacking:
        raise MissingExtra(
            f"describing a shot needs the ai extra: there is no {' and no '.join(lacking)}",
            hint=INSTALL,
        )


def free(place: Place) -> None:
    """Give memory of models that are gone back to the machine."""
    import gc

    import torch

    gc.collect()
    if place.device == "cuda":
        torch.cuda.empty_cache()
    if place.device == "mps":
        torch.mps.empty_cache()
