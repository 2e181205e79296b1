"""Colour: the plain curve, OCIO by full names, and the table that stands in for a slow view."""

import numpy as np
import PyOpenColorIO as ocio
import pytest

from cosmos_workflow.config.settings import Colour
from cosmos_workflow.errors import ConfigError
from cosmos_workflow.houdini.colour import display

CG = "cg-config-v2.2.0_aces-v1.3_ocio-v2.4"
ACES2 = "cg-config-v4.0.0_aces-v2.0_ocio-v2.5"


def plain(**more):
    return Colour(config="srgb", **more)


def pixels(*rgb, dtype=np.float16):
    return np.array([rgb], dtype)


def exact(half, space, view, config=CG, shown="sRGB - Display"):
    """OCIO's own arithmetic in 32 bits, rounded."""
    source = ocio.Config.CreateFromBuiltinConfig(config)
    way = ocio.DisplayViewTransform(src=space, display=shown, view=view)
    cpu = source.getProcessor(way).getDefaultCPUProcessor()
    made = half.astype(np.float32)
    cpu.applyRGB(made)
    return np.rint(made.clip(0, 1) * 255).astype(int)


def scenes():
    """Light of 0 to 100: greys, colours, saturated ones, darkness, whatever is below zero."""
    dice = np.random.default_rng(7)
    count = 40_000
    light = 10.0 ** dice.uniform(-4, 2, (count, 3))
    one = np.eye(3)[dice.integers(0, 3, count)]
    return {
        "colours": light,
        "display range": dice.uniform(0, 1, (count, 3)),
        "bright": dice.uniform(0, 100, (count, 3)),
        "greys": light[:, :1] * dice.uniform(0.9, 1.1, (count, 3)),
        "without one primary": light * (1 - one),
        "one primary": light * one,
        "dark": dice.uniform(0, 0.01, (count, 3)),
        "below zero": light * dice.choice([-0.1, 1.0], (count, 3)),
        "beyond the table": dice.uniform(0, 2000, (count, 3)),
    }


@pytest.mark.parametrize(
    ("stops", "linear", "shown"),
    [(0.0, 0.18, 118), (1.0, 0.09, 118), (-1.0, 0.36, 118), (0.0, 1.0, 255), (0.0, 0.0, 0)],
)
def test_the_plain_curve_is_that_of_srgb(stops, linear, shown):
    assert display(plain(exposure=stops))(pixels([linear] * 3)).tolist() == [[[shown] * 3]]


def test_float_and_half_show_the_same():
    light = np.random.default_rng(1).uniform(0, 1, (8, 8, 3)).astype(np.float16)
    for settings in (plain(), Colour()):
        way = display(settings)
        assert (way(light) == way(light.astype(np.float32))).all()


@pytest.mark.parametrize("settings", [plain(), Colour(), Colour(view="Un-tone-mapped")])
@pytest.mark.filterwarnings("error")
def test_what_is_no_number_does_no_harm(settings):
    bad = pixels(
        [np.nan] * 3, [np.inf] * 3, [-np.inf] * 3, [1e30] * 3, [-5.0] * 3, dtype=np.float32
    )
    shown = display(settings)(bad)[0, :, 0].tolist()
    assert shown == [0, 255, 0, 255, 0]


@pytest.mark.parametrize("space", ["ACEScg", "ACES2065-1", "lin_p3d65", "lin_rec2020"])
def test_the_plain_matrices_are_those_of_ocio(space):
    light = np.random.default_rng(2).uniform(0, 1, (64, 64, 3)).astype(np.float16)
    config = "studio-config-v2.2.0_aces-v1.3_ocio-v2.4"
    wanted = exact(light, space, "Un-tone-mapped", config)
    assert np.abs(display(plain(), space)(light) - wanted).max() <= 1


@pytest.mark.parametrize("said", ["ACEScg", "ACES - ACEScg", "lin_ap1", "lin_ap1_scene"])
def test_a_space_is_known_by_its_other_names(said):
    assert display(plain(), said).settings["space"] == "ACEScg"
    assert display(Colour(), said).settings["space"] == "ACEScg"


@pytest.mark.parametrize("said", ["", "Linear", "lin_rec709", "Linear Rec.709 (sRGB)"])
def test_without_a_word_it_is_linear_rec709(said):
    assert display(plain(), said).settings["space"] == "lin_rec709"
    assert display(Colour(), said).settings["space"] == "Linear Rec.709 (sRGB)"


def test_the_settings_win_over_the_files():
    assert display(Colour(space="ACEScg"), "lin_rec709").settings["space"] == "ACEScg"
    assert display(plain(space="ACEScg"), "lin_rec709").settings["space"] == "ACEScg"


def test_what_was_used_is_said():
    assert display(Colour(exposure=0.5)).settings == {
        "config": CG,
        "config_id": ocio.Config.CreateFromBuiltinConfig(CG).getCacheID(),
        "space": "Linear Rec.709 (sRGB)",
        "display": "sRGB - Display",
        "view": "ACES 1.0 - SDR Video",
        "exposure": 0.5,
        "computed": "table 129^3",
    }
    assert display(plain()).settings == {"config": "srgb", "space": "lin_rec709", "exposure": 0.0}


def test_a_cheap_view_is_computed_as_it_is():
    way = display(Colour(view="Un-tone-mapped"))
    assert way.settings["computed"] == "exact"
    light = np.random.default_rng(3).uniform(-0.1, 2, (64, 64, 3)).astype(np.float16)
    assert (way(light) == exact(light, "lin_rec709", "Un-tone-mapped")).mean() > 0.999


SDR = "ACES 1.0 - SDR Video"
BENT = "table 129^3, exact where it bends"


@pytest.mark.parametrize(
    ("space", "config", "shown", "view", "computed"),
    [
        ("Linear Rec.709 (sRGB)", CG, "sRGB - Display", SDR, "table 129^3"),
        ("ACEScg", CG, "sRGB - Display", SDR, "table 129^3"),
        ("Linear Rec.709 (sRGB)", CG, "Rec.1886 Rec.709 - Display", SDR, BENT),
        ("ACEScg", ACES2, "sRGB - Display", "ACES 2.0 - SDR 100 nits (Rec.709)", BENT),
    ],
)
def test_the_table_is_within_one_step_of_the_view(space, config, shown, view, computed):
    way = display(Colour(config=config, space=space, display=shown, view=view))
    assert way.settings["computed"] == computed
    for name, light in scenes().items():
        half = light.astype(np.float16)[None]
        off = np.abs(way(half).astype(int) - exact(half, space, view, config, shown))
        assert off.max() <= 2, name
        assert (off > 1).mean() < 1e-4, name
        assert (off > 0).mean() < 0.05, name


def test_exposure_is_a_gain_in_stops():
    light = np.random.default_rng(4).uniform(0, 2, (32, 32, 3)).astype(np.float16)
    brighter = display(Colour(exposure=1.0))(light).astype(int)
    assert np.abs(brighter - display(Colour())(light * np.float16(2))).max() <= 1


def test_a_config_of_ones_own(tmp_path):
    file = tmp_path / "studio.ocio"
    file.write_text(ocio.Config.CreateFromBuiltinConfig(CG).serialize())
    way = display(Colour(config=str(file), view="un-tone-mapped"))
    assert way.settings["config"] == str(file)
    assert way.settings["view"] == "Un-tone-mapped"
    assert display(Colour(config=f"ocio://{CG}", view="Raw")).settings["config"] == CG


@pytest.mark.parametrize(
    ("settings", "found", "message", "hint"),
    [
        ({"config": "default"}, "", "no built-in OCIO config 'default'", ACES2),
        ({"config": "ocio://default"}, "", "no built-in OCIO config 'default'", CG),
        ({"config": CG[:-1]}, "", "no built-in", f"did you mean '{CG}'"),
        ({"config": "/nowhere/x.ocio"}, "", "no file", ""),
        ({"space": "ACESgc"}, "", "space: 'ACESgc'", "did you mean 'ACEScg'"),
        ({}, "Houdini", "files say that they are in 'Houdini'", "set [colour] space to one of"),
        ({"display": "sRGB Display"}, "", "no display", "did you mean 'sRGB - Display'"),
        ({"view": "ACES SDR Video"}, "", "of sRGB - Display", "'ACES 1.0 - SDR Video'"),
        ({"config": "srgb", "view": "Raw"}, "", "view needs an OCIO config", "take view away"),
        ({"config": "srgb", "space": "nope"}, "", "space: 'nope'", "lin_rec709, ACEScg"),
    ],
)
def test_wrong_names_are_told_with_the_closest(settings, found, message, hint):
    with pytest.raises(ConfigError) as caught:
        display(Colour(**settings), found)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_broken_config_is_told(tmp_path):
    file = tmp_path / "broken.ocio"
    file.write_text("ocio_profile_version: 2\nroles: {nonsense: 3}\n")
    with pytest.raises(ConfigError, match=r"broken\.ocio cannot be used"):
        display(Colour(config=str(file)))
