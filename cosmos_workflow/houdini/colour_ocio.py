"""The way to the display through OCIO: which config, space, display and view, by their names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmos_workflow.config.settings import Colour
from cosmos_workflow.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from cosmos_workflow.houdini.colour import Shows

_SCHEME = "ocio://"
_LINEAR = (
    "lin_rec709",
    "Linear Rec.709 (sRGB)",
    "lin_rec709_scene",
    "lin_srgb",
    "Utility - Linear - sRGB",
    "Utility - Linear - Rec.709",
    "Linear Rec.709",
    "Linear sRGB",
)
"""What configs call scene-linear Rec.709; the first that a config knows is its own."""

SAYS_NOTHING = ("linear", "scene-linear", "unknown")
"""Words in files that name no space: how values are coded, and not what red is."""


def through_ocio(colour: Colour, found_space: str) -> tuple[dict[str, Any], Shows]:
    """What was chosen, and what does it.  Raises ConfigError, MissingExtra."""
    from cosmos_workflow.houdini.colour_bake import fastest

    config, settings = chosen(colour, found_space)
    shows, how = fastest(config, _processor(config, settings))
    return {**settings, "computed": how}, shows


def chosen(colour: Colour, found_space: str) -> tuple[Any, dict[str, Any]]:
    """The OCIO config, and the names in it that are meant.  Raises ConfigError, MissingExtra."""
    config, name = load_config(colour.config)
    display, view = _view(config, colour)
    return config, {
        "config": name,
        "config_id": config.getCacheID(),
        "space": _space(config, colour.space, found_space),
        "display": display,
        "view": view,
        "exposure": colour.exposure,
    }


def load_config(wanted: str) -> tuple[Any, str]:
    """The OCIO config of that name or path, and what it is called.

    Names of built-in configs are taken in full, because ``default`` is another one with each
    version of OCIO, and the pictures with it.  Raises ConfigError, MissingExtra.
    """
    try:
        import PyOpenColorIO as ocio
    except ImportError as error:
        raise MissingExtra(
            "colours of EXR files need OpenColorIO",
            hint="pip install 'cosmos-workflow[exr]', or set [colour] config = \"srgb\"",
        ) from error
    name = os.path.expandvars(wanted.strip())
    built_in = [row[0] for row in ocio.BuiltinConfigRegistry().getBuiltinConfigs()]
    short = name.removeprefix(_SCHEME)
    if short in built_in:
        return ocio.Config.CreateFromBuiltinConfig(short), short
    path = Path(name).expanduser()
    if name.startswith(_SCHEME) or path.suffix.lower() not in (".ocio", ".ocioz"):
        raise ConfigError(
            f"[colour] config: there is no built-in OCIO config {short!r}",
            hint=f"{_closest(short, built_in)}it is srgb, the path of a .ocio file, or in full one "
            f"of: {', '.join(built_in)}",
        )
    if not path.is_file():
        raise ConfigError(f"[colour] config: there is no file {path}")
    try:
        config = ocio.Config.CreateFromFile(str(path))
        config.validate()
    except ocio.Exception as error:
        raise ConfigError(f"[colour] config: {path} cannot be used: {_said(error)}") from error
    return config, str(path)


def _space(config: Any, wanted: str, found: str) -> str:
    """The config's own name of the space that the pixels are in."""
    if not wanted and found.lower() in ("", *SAYS_NOTHING):
        known = (config.getColorSpace(one) for one in _LINEAR)
        linear = next((one for one in known if one is not None), None)
        if linear is None:
            raise ConfigError(
                "the OCIO config has no linear Rec.709, and the files do not say their space",
                hint=f"set [colour] space to one of: {_listed(_spaces(config))}",
            )
        return str(linear.getName())
    space = config.getColorSpace(wanted or found)
    if space is None:
        names = _spaces(config)
        who = "[colour] space:" if wanted else "the files say that they are in"
        raise ConfigError(
            f"{who} {wanted or found!r}, which the OCIO config does not know",
            hint=_closest(wanted or found, names)
            + f"set [colour] space to one of: {_listed(names)}",
        )
    return str(space.getName())


def _view(config: Any, colour: Colour) -> tuple[str, str]:
    """Display and view as the config writes them; case does not count."""
    displays = list(config.getDisplays())
    display = _known("display", colour.display or config.getDefaultDisplay(), displays)
    views = list(config.getViews(display))
    view = _known("view", colour.view or config.getDefaultView(display), views, f" of {display}")
    return display, view


def _processor(config: Any, chosen: Mapping[str, Any]) -> Any:
    """From the space to the view; exposure is a gain on linear light."""
    import PyOpenColorIO as ocio

    space, display, view = chosen["space"], chosen["display"], chosen["view"]
    steps = ocio.GroupTransform()
    if chosen["exposure"]:
        linear = ocio.ROLE_SCENE_LINEAR if config.hasRole(ocio.ROLE_SCENE_LINEAR) else space
        steps.appendTransform(ocio.ColorSpaceTransform(space, linear))
        gain = 2.0 ** chosen["exposure"]
        steps.appendTransform(ocio.MatrixTransform.Scale([gain, gain, gain, 1.0]))
        space = linear
    steps.appendTransform(ocio.DisplayViewTransform(src=space, display=display, view=view))
    try:
        return config.getProcessor(steps)
    except ocio.Exception as error:
        raise ConfigError(
            f"OCIO cannot go from {chosen['space']} to {view} of {display}: {_said(error)}",
            hint="the config may name files that are not there; set [colour] config to another",
        ) from error


def _known(what: str, name: str, known: Sequence[str], where: str = "") -> str:
    for one in known:
        if one.lower() == name.lower():
            return one
    raise ConfigError(
        f"[colour] {what}: there is no {what} {name!r}{where}",
        hint=f"{_closest(name, known)}known: {_listed(known)}",
    )


def _spaces(config: Any) -> list[str]:
    """Those that renders are in; displays' own are others."""
    import PyOpenColorIO as ocio

    scene, active = ocio.SEARCH_REFERENCE_SPACE_SCENE, ocio.COLORSPACE_ACTIVE
    return [str(name) for name in config.getColorSpaceNames(scene, active)]


def _closest(name: str, known: Sequence[str]) -> str:
    lower = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    return f"did you mean {lower[close[0]]!r}? " if close else ""


def _listed(names: Sequence[str]) -> str:
    most = 24
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
