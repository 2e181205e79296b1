"""The fixed table from words in a prompt to looks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cosmos_workflow.rehearsal.look import PLAIN, Look, combine

# fmt: off
TABLE: Mapping[tuple[str, ...], Look] = {
    # -- the hour --------------------------------------------------------------------------------
    ("sunset", "sundown", "dusk", "evening"): Look(
        exposure=0.86, contrast=1.06, saturation=1.1, gain=(1.12, 0.94, 0.8), lift=(4, -2, 8),
        air_gain=(0.98, 0.95, 1.0), air_pull=1.6, zenith=(74, 70, 132), horizon=(255, 150, 84),
        sun=0.9, sun_colour=(255, 168, 82), fog=0.5, sky=0.86, glow=0.45, lights=0.35,
        vignette=0.34),
    ("sunrise", "dawn", "morning", "daybreak"): Look(
        exposure=1.0, gain=(1.06, 0.98, 0.92), lift=(4, 2, 8), air_pull=1.4, zenith=(132, 158, 206),
        horizon=(255, 208, 172), sun=0.7, sun_colour=(255, 214, 160), fog=0.52, sky=0.75, glow=0.4),
    ("golden hour", "golden", "magic hour"): Look(
        exposure=0.9, contrast=1.1, saturation=1.12, gain=(1.14, 1.0, 0.78), lift=(6, 1, -6),
        air_pull=1.5, zenith=(150, 164, 186), horizon=(255, 206, 128), sun=1.0,
        sun_colour=(255, 204, 112), fog=0.46, sky=0.76, glow=0.5),
    ("blue hour", "twilight"): Look(
        exposure=0.66, contrast=1.04, saturation=0.92, gain=(0.8, 0.92, 1.22), lift=(-2, 2, 14),
        air_gain=(0.8, 0.84, 0.94), air_pull=1.6, zenith=(38, 58, 124), horizon=(186, 152, 176),
        fog=0.48, sky=0.88, lights=0.8, glow=0.5, vignette=0.36),
    ("night", "nighttime", "midnight", "moonlit", "moonlight", "nocturnal"): Look(
        exposure=0.42, contrast=1.08, saturation=0.78, gain=(0.82, 0.94, 1.26), lift=(-4, 0, 8),
        air_gain=(0.24, 0.28, 0.42), air_pull=0.8, zenith=(64, 84, 150), horizon=(150, 166, 210),
        fog=0.56, sky=0.97, lights=1.0, glow=0.7, vignette=0.48, grain=0.3),
    ("noon", "midday", "sunny", "sunlit", "sunlight", "sunshine"): Look(
        exposure=1.12, contrast=1.08, saturation=1.1, gain=(1.05, 1.01, 0.95), air_pull=0.7,
        zenith=(92, 152, 226), horizon=(214, 232, 246), sun=0.45, fog=0.28, sky=0.4, glow=0.3),
    # -- the weather -----------------------------------------------------------------------------
    ("overcast", "cloudy", "clouds", "gloomy"): Look(
        exposure=0.9, contrast=0.92, saturation=0.8, gain=(0.97, 1.0, 1.04), air_pull=1.0,
        zenith=(142, 150, 160), horizon=(196, 202, 206), fog=0.44, sky=0.8),
    ("storm", "stormy", "thunderstorm", "thunder", "tempest"): Look(
        exposure=0.66, contrast=1.12, saturation=0.72, gain=(0.92, 1.0, 1.08),
        air_gain=(0.62, 0.66, 0.72), air_pull=1.4, zenith=(58, 66, 80), horizon=(150, 162, 170),
        fog=0.6, sky=0.94, rain=0.9, wet=0.7, vignette=0.45, lights=0.5),
    ("rain", "rainy", "raining", "drizzle", "downpour", "rainstorm"): Look(
        exposure=0.84, contrast=1.02, saturation=0.86, gain=(0.94, 1.0, 1.06), air_pull=0.8,
        zenith=(108, 120, 134), horizon=(172, 182, 190), fog=0.56, sky=0.85, rain=0.8, wet=0.85,
        glow=0.5, lights=0.4, vignette=0.34),
    ("wet", "puddles", "puddle", "rain-soaked", "rain-slicked"): Look(
        contrast=1.05, wet=0.9, glow=0.4, lights=0.3),
    ("snow", "snowy", "snowing", "snowfall", "snowstorm"): Look(
        exposure=1.1, contrast=0.94, saturation=0.66, gain=(0.97, 1.01, 1.07), lift=(6, 9, 14),
        air_pull=1.4, zenith=(184, 198, 214), horizon=(230, 236, 244), fog=0.58, sky=0.85, snow=0.8,
        glow=0.35),
    ("blizzard",): Look(
        exposure=1.08, contrast=0.84, saturation=0.5, gain=(0.98, 1.01, 1.06), lift=(14, 18, 24),
        air_pull=2.0, zenith=(204, 212, 222), horizon=(230, 234, 240), fog=0.92, sky=1.0, snow=1.0),
    ("fog", "foggy", "mist", "misty", "haze", "hazy"): Look(
        exposure=0.98, contrast=0.9, saturation=0.82, air_pull=1.2, air_gain=(1.12, 1.1, 1.08),
        zenith=(182, 190, 196), horizon=(214, 218, 220), fog=0.9, sky=0.96, glow=0.45),
    ("smoke", "smoky", "smog"): Look(
        exposure=0.9, contrast=0.95, saturation=0.76, gain=(1.02, 1.0, 0.94), air_pull=1.1,
        zenith=(128, 122, 114), horizon=(176, 166, 150), fog=0.8, sky=0.92, glow=0.3),
    ("dust", "dusty", "sandstorm"): Look(
        contrast=0.93, saturation=0.86, gain=(1.06, 1.0, 0.86), air_pull=1.2,
        zenith=(188, 164, 126), horizon=(224, 194, 144), fog=0.78, sky=0.9, glow=0.3),
    # -- the season ------------------------------------------------------------------------------
    ("winter", "wintry", "frost", "frosty", "frozen", "icy", "ice"): Look(
        exposure=1.05, contrast=0.98, saturation=0.72, gain=(0.93, 1.0, 1.12), lift=(2, 6, 12),
        air_pull=1.0, zenith=(164, 190, 218), horizon=(224, 234, 244), fog=0.46, sky=0.6),
    ("spring", "springtime", "blossom", "blossoms"): Look(
        exposure=1.06, saturation=1.12, gain=(1.02, 1.03, 0.98), lift=(6, 4, 6), air_pull=0.7,
        zenith=(150, 194, 232), horizon=(240, 234, 232), fog=0.32, sky=0.5, glow=0.35),
    ("summer", "summery"): Look(
        exposure=1.08, contrast=1.04, saturation=1.16, gain=(1.06, 1.01, 0.92), air_pull=0.7,
        zenith=(96, 160, 228), horizon=(236, 234, 218), sun=0.4, fog=0.28, sky=0.5, glow=0.3),
    ("autumn", "autumnal"): Look(
        exposure=0.97, saturation=1.04, gain=(1.12, 0.99, 0.8), lift=(6, 1, -3), air_pull=0.9,
        zenith=(160, 164, 166), horizon=(236, 212, 170), fog=0.46, sky=0.6, glow=0.3),
    # -- the place -------------------------------------------------------------------------------
    ("desert", "dunes", "dune", "sand", "sahara", "arid"): Look(
        exposure=1.0, contrast=1.08, saturation=0.98, gain=(1.14, 1.0, 0.8), lift=(8, 2, -8),
        air_pull=1.3, zenith=(126, 164, 196), horizon=(246, 214, 160), sun=0.6,
        sun_colour=(255, 226, 160), fog=0.55, sky=0.78, glow=0.35),
    ("forest", "jungle", "woods", "woodland", "lush", "rainforest"): Look(
        exposure=0.94, contrast=1.04, saturation=1.1, gain=(0.94, 1.07, 0.86), lift=(-2, 5, -2),
        air_pull=0.9, zenith=(142, 178, 166), horizon=(206, 222, 188), fog=0.55, sky=0.66,
        glow=0.35, vignette=0.34),
    ("ocean", "sea", "beach", "coast", "coastal", "tropical", "island"): Look(
        exposure=1.05, saturation=1.1, gain=(0.97, 1.02, 1.05), air_pull=0.9, zenith=(84, 164, 220),
        horizon=(206, 234, 238), fog=0.36, sky=0.6, glow=0.3),
    ("underwater", "submerged"): Look(
        exposure=0.76, contrast=0.96, saturation=0.8, gain=(0.58, 1.02, 1.16), lift=(-6, 10, 18),
        air_pull=2.4, zenith=(70, 178, 196), horizon=(16, 92, 122), fog=0.92, sky=1.0, glow=0.5,
        vignette=0.45),
    ("mars", "martian"): Look(
        exposure=0.98, contrast=1.06, saturation=0.86, gain=(1.22, 0.9, 0.68), lift=(12, 0, -6),
        air_pull=1.6, zenith=(176, 124, 92), horizon=(232, 176, 128), fog=0.62, sky=0.95),
    ("lava", "volcano", "volcanic", "fire", "burning", "inferno"): Look(
        exposure=0.72, contrast=1.16, saturation=1.08, gain=(1.26, 0.86, 0.64), lift=(12, -3, -8),
        air_pull=1.6, air_gain=(0.9, 0.8, 0.8), zenith=(58, 34, 34), horizon=(240, 96, 36), sun=0.6,
        sun_colour=(255, 110, 40), fog=0.66, sky=0.92, glow=0.6, lights=0.7, vignette=0.45),
    # -- the style -------------------------------------------------------------------------------
    ("neon", "neon-lit", "blade runner"): Look(
        exposure=0.94, contrast=1.06, saturation=1.3, gain=(1.04, 0.92, 1.1), lift=(4, -4, 10),
        air_pull=1.1, zenith=(96, 40, 168), horizon=(236, 70, 190), fog=0.5, sky=0.6, neon=1.0,
        glow=0.9, lights=0.8, vignette=0.4),
    ("cyberpunk", "synthwave", "vaporwave"): Look(
        exposure=0.7, contrast=1.1, saturation=1.22, gain=(0.98, 0.92, 1.16), lift=(2, 2, 16),
        air_pull=1.3, air_gain=(0.6, 0.6, 0.7), zenith=(54, 32, 132), horizon=(220, 66, 176),
        fog=0.6, sky=0.92, neon=1.0, glow=0.9, lights=0.9, vignette=0.45),
    ("sci-fi", "science fiction", "futuristic"): Look(
        contrast=1.06, saturation=0.9, gain=(0.93, 1.01, 1.1), lift=(-3, 3, 10), air_pull=0.8,
        zenith=(104, 150, 186), horizon=(196, 222, 232), fog=0.44, sky=0.6, glow=0.5, lights=0.5,
        neon=0.25),
    ("noir", "black and white", "black-and-white", "monochrome"): Look(
        exposure=0.92, contrast=1.34, saturation=0.4, air_gain=(0.9, 0.9, 0.9), air_pull=0.6,
        zenith=(96, 96, 96), horizon=(210, 210, 210), fog=0.56, sky=0.75, glow=0.55, lights=0.6,
        vignette=0.58, grain=0.5, ink=0.6, mono=1.0),
    ("vintage", "retro", "nostalgic", "old film", "1970s", "super 8"): Look(
        exposure=1.02, contrast=0.9, saturation=0.76, gain=(1.08, 1.0, 0.84), lift=(14, 8, 6),
        air_pull=0.7, zenith=(170, 176, 166), horizon=(236, 220, 184), fog=0.38, sky=0.5,
        vignette=0.5, grain=0.8, glow=0.4),
    ("sepia",): Look(
        saturation=0.3, mono=0.55, gain=(1.14, 0.98, 0.76), lift=(10, 4, -4), air_pull=0.8,
        zenith=(190, 178, 150), horizon=(228, 210, 172), fog=0.36, vignette=0.5, grain=0.6),
    ("cinematic", "film", "movie", "anamorphic", "blockbuster"): Look(
        contrast=1.08, saturation=0.96, gain=(1.06, 1.0, 0.93), lift=(-3, 3, 9), glow=0.4, fog=0.4,
        vignette=0.42, grain=0.35),
    ("dreamy", "ethereal", "fairytale", "fairy tale", "magical", "fantasy"): Look(
        exposure=1.06, contrast=0.88, saturation=1.04, gain=(1.05, 0.98, 1.05), lift=(12, 6, 16),
        air_pull=0.9, zenith=(186, 172, 222), horizon=(250, 222, 226), fog=0.58, sky=0.7, glow=0.9),
    ("horror", "spooky", "eerie", "haunted", "creepy"): Look(
        exposure=0.6, contrast=1.16, saturation=0.5, gain=(0.94, 1.06, 0.92), lift=(-4, 5, 2),
        air_pull=1.0, air_gain=(0.5, 0.56, 0.5), zenith=(86, 98, 92), horizon=(168, 186, 164),
        fog=0.74, sky=0.92, vignette=0.7, grain=0.5, lights=0.5),
    ("apocalyptic", "post-apocalyptic", "wasteland", "dystopian", "ruins"): Look(
        exposure=0.86, contrast=1.1, saturation=0.66, gain=(1.1, 1.0, 0.8), lift=(6, 3, -4),
        air_pull=1.2, zenith=(128, 112, 92), horizon=(204, 172, 126), fog=0.7, sky=0.9,
        vignette=0.45, grain=0.4),
    ("dramatic", "epic"): Look(contrast=1.14, exposure=0.95, vignette=0.42, glow=0.4, fog=0.44),
    ("moody", "dark", "ominous", "brooding"): Look(
        exposure=0.7, contrast=1.12, saturation=0.84, lift=(-3, 0, 4), air_gain=(0.66, 0.68, 0.72),
        fog=0.5, sky=0.6, lights=0.4, vignette=0.55),
    ("bright", "airy", "high-key"): Look(exposure=1.16, contrast=0.94, lift=(8, 8, 8), glow=0.35),
    ("warm", "cozy", "cosy", "candlelit"): Look(
        gain=(1.12, 1.0, 0.84), lift=(5, 1, -4), air_gain=(1.06, 0.98, 0.84), glow=0.3),
    ("cold", "cool", "chilly", "bleak"): Look(
        saturation=0.88, gain=(0.88, 0.99, 1.13), lift=(-3, 1, 7), air_gain=(0.9, 0.98, 1.08)),
    ("vivid", "vibrant", "colorful", "colourful", "saturated"): Look(contrast=1.06, saturation=1.4),
    ("muted", "desaturated", "faded", "washed-out"): Look(
        contrast=0.92, saturation=0.58, lift=(6, 6, 6)),
    ("pastel", "anime", "ghibli", "watercolor", "watercolour"): Look(
        exposure=1.1, contrast=0.88, saturation=1.14, lift=(16, 13, 17), air_pull=0.7,
        zenith=(140, 198, 236), horizon=(246, 236, 226), fog=0.34, sky=0.6, ink=0.6, glow=0.35),
    ("sketch", "comic", "ink", "graphic novel", "cel-shaded"): Look(
        contrast=1.1, saturation=0.9, ink=1.0),
}
# fmt: on
"""Rows of words that mean the same, and their look.  Longer phrases are found before shorter."""

_ROW = {word: row for row in TABLE for word in row}
_ANY = re.compile(
    r"(?<![\w-])(" + "|".join(re.escape(w) for w in sorted(_ROW, key=lambda w: (-len(w), w)))
    + r")(?![\w-])"
)  # fmt: skip


def hits(prompt: str, negative_prompt: str = "") -> list[str]:
    """The words of the table in ``prompt``, in order, each row once.

    A row that the negative prompt names is left out.
    """
    unwanted = {_ROW[word] for word in _found(negative_prompt)}
    seen: dict[tuple[str, ...], str] = {}
    for word in _found(prompt):
        row = _ROW[word]
        if row not in unwanted:
            seen.setdefault(row, word)
    return list(seen.values())


def look_of(words: list[str]) -> Look:
    """The look of words found by ``hits``, on top of ``PLAIN``."""
    return combine([PLAIN, *(TABLE[_ROW[word]] for word in words)])


def _found(text: str) -> list[str]:
    return _ANY.findall(" ".join(text.lower().split()))
