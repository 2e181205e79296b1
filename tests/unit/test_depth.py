"""Depth: one scale for a shot, background apart from what is far."""

import numpy as np
import pytest

from cosmos_workflow.config.settings import Depth
from cosmos_workflow.errors import ConfigError, MediaError
from cosmos_workflow.houdini.depth import Scale, measure

NOWHERE = (np.inf, -np.inf, np.nan, 0.0, -3.0, 1e10, 3.4e38)


def grey(scale, *distances, dtype=np.float32):
    return scale.grey(np.array([distances], dtype))[0].tolist()


@pytest.mark.parametrize(("mode", "middle"), [("linear", 2.5), ("inverse", 1.6), ("log", 2.0)])
def test_near_is_white_far_is_black_and_between_it_goes_by_the_mode(mode, middle):
    scale = Scale(1.0, 4.0, mode)
    white, half, black = grey(scale, 1.0, middle, 4.0)
    assert (white, black) == (65535, 1)
    assert abs(half - 32768) <= 1


@pytest.mark.parametrize("mode", ["linear", "inverse", "log"])
def test_what_is_before_near_or_behind_far_is_as_near_and_far(mode):
    assert grey(Scale(1.0, 4.0, mode), 0.01, 400.0, 9e9) == [65535, 1, 1]


@pytest.mark.parametrize("mode", ["linear", "inverse", "log"])
@pytest.mark.filterwarnings("error")
def test_background_is_zero(mode):
    assert grey(Scale(1.0, 4.0, mode), *NOWHERE) == [0] * len(NOWHERE)


def test_every_mode_keeps_the_order_of_distances():
    distances = np.linspace(0.5, 5.0, 5000)
    for mode in ("linear", "inverse", "log"):
        assert (np.diff(grey(Scale(1.0, 4.0, mode), *distances)) <= 0).all()


@pytest.mark.parametrize("mode", ["linear", "inverse", "log"])
def test_a_narrow_range_far_away_is_as_fine(mode):
    scale = measure([np.array([[1000.0, 1000.5]], np.float32)], Depth(mode=mode, percentile=0.0))
    shown = grey(scale, *np.linspace(999.9, 1000.6, 3000))
    assert (np.diff(shown) <= 0).all()
    assert (shown[0], shown[-1]) == (65535, 1)
    assert len(set(shown)) > 1000


def test_the_input_is_left_as_it_was():
    distances = np.array([[1.0, 2.0, np.inf]], np.float32)
    Scale(1.0, 4.0, "linear").grey(distances)
    assert distances.tolist() == [[1.0, 2.0, np.inf]]


def test_background_has_no_part_in_the_measure():
    picture = np.array([[*NOWHERE, 10.0], [20.0] * 8], np.float32)
    scale = measure([picture], Depth(percentile=0.0))
    assert (scale.near, scale.far) == (10.0, 20.0)


def test_the_percentile_leaves_out_stray_distances():
    picture = np.linspace(10.0, 20.0, 10_000, dtype=np.float32)
    picture[:20], picture[-20:] = 0.001, 9_000.0
    scale = measure([picture.reshape(100, 100)], Depth(percentile=1.0))
    assert 10.0 <= scale.near < 10.2
    assert 19.8 < scale.far <= 20.0


def test_all_samples_are_one_shot():
    first, last = np.full((4, 4), 2.0, np.float32), np.full((4, 4), 8.0, np.float32)
    scale = measure([first, last], Depth(percentile=0.0))
    assert (scale.near, scale.far) == (2.0, 8.0)
    assert scale.grey(first)[0, 0] == 65535
    assert scale.grey(last)[0, 0] == 1


def test_what_is_given_is_not_measured():
    picture = np.array([[2.0, 8.0]], np.float32)
    scale = measure([picture], Depth(near=1.0, percentile=0.0))
    assert (scale.near, scale.far, scale.measured) == (1.0, 8.0, ("far",))
    given = measure([np.full((2, 2), np.inf)], Depth(near=1.0, far=5.0))
    assert (given.near, given.far, given.measured) == (1.0, 5.0, ())


def test_distances_below_zero_are_turned_round_and_recorded():
    picture = np.array([[-2.0, -8.0, np.inf, 0.0]], np.float32)
    scale = measure([picture], Depth(percentile=0.0))
    assert (scale.near, scale.far) == (2.0, 8.0)
    assert scale.settings["negative_distances"] is True
    assert scale.grey(picture)[0].tolist() == [65535, 1, 0, 0]


def test_the_greatest_half_is_background():
    picture = np.array([[2.0, 8.0, 65504.0, np.inf]], np.float16)
    scale = measure([picture], Depth(percentile=0.0, mode="linear"))
    assert scale.far == 8.0
    assert scale.grey(picture)[0].tolist() == [65535, 1, 0, 0]


def test_a_wall_at_one_distance_is_white():
    scale = measure([np.full((4, 4), 5.0, np.float32)], Depth())
    assert scale.grey(np.full((1, 1), 5.0, np.float32))[0, 0] == 65535


def test_nothing_to_measure_is_told():
    with pytest.raises(MediaError, match="2 frames looked at have no distance"):
        measure([np.full((2, 2), np.inf)] * 2, Depth())
    with pytest.raises(MediaError, match="cannot be measured"):
        measure([], Depth(near=1.0))


def test_near_behind_far_is_told():
    with pytest.raises(ConfigError, match=r"near 9, far 8 \(measured\)"):
        measure([np.array([[2.0, 8.0]])], Depth(near=9.0, percentile=0.0))
    with pytest.raises(ConfigError, match="near must be before far"):
        measure([], Depth(near=9.0, far=3.0))
