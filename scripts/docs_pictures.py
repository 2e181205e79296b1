"""Makes the pictures of docs/houdini.md anew, from the sample shot: ``make`` has no part in it.

.venv/bin/python scripts/docs_pictures.py
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from cosmos_workflow.cli.app import main as cosmos
from cosmos_workflow.houdini.metadata import ShotMetadata
from cosmos_workflow.video.frames import stills
from cosmos_workflow.video.sheet import contact_sheet

ROOT = Path(__file__).resolve().parents[1]
DEST = ROOT / "docs" / "pictures"
FRAMES = 12
BACKGROUND, TEXT, FAINT = (14, 15, 18), (226, 229, 235), (118, 124, 136)
MODES = {
    "inverse": ("--depth-mode", "inverse"),
    "log": ("--depth-mode", "log"),
    "linear": ("--depth-mode", "linear"),
    "linear, far 60": ("--depth-mode", "linear", "--far", "60"),
}
GAP = 12


def main() -> None:
    """Render the sample as EXR, prepare it by each depth mode, and draw."""
    DEST.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        run("sample", "renders", "--exr", "--frames", str(FRAMES))
        made = {
            label: prepared(number, flags) for number, (label, flags) in enumerate(MODES.items())
        }
        shot = made["inverse"]
        passes(shot)
        depth({mode: one / "depth.mp4" for mode, one in made.items()})
        segmentation(shot / "color.mp4", shot / "segmentation.mp4", shot / "legend.json")
        os.chdir(ROOT)


def run(*words: str) -> None:
    """One command of cosmos, which must succeed."""
    code = cosmos(list(words))
    if code:
        sys.exit(code)


def prepared(number: int, flags: tuple[str, ...]) -> Path:
    """The folder of the shot, prepared with ``flags``."""
    run(
        "prepare-inference",
        "renders",
        "--name",
        f"pool {number}",
        "--make",
        "edge",
        "--no-ai",
        *flags,
    )
    (folder,) = Path("inputs/videos").glob(f"pool_{number}_*")
    return folder


def passes(shot: Path) -> None:
    """All passes as rows, moments as columns."""
    facts = ShotMetadata.load(shot)
    videos = {str(one): shot / f"{one}.mp4" for one in facts.modalities}
    contact_sheet(videos, Path("passes.png"), title="the sample shot", columns=4, width=1200)
    save(Image.open("passes.png"), "passes.jpg")


def depth(videos: dict[str, Path]) -> None:
    """The same frame by each mode, side by side."""
    width, height = 320, 176
    sheet = Image.new("RGB", (GAP + (width + GAP) * len(videos), height + 3 * GAP + 20), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for column, (mode, video) in enumerate(videos.items()):
        x = GAP + column * (width + GAP)
        (frame,) = stills(video, [FRAMES // 2], width, height)
        sheet.paste(Image.fromarray(frame), (x, GAP))
        draw.text((x, height + 2 * GAP), mode, font=ImageFont.load_default(16), fill=TEXT)
    save(sheet, "depth.jpg")


def segmentation(color: Path, painted: Path, legend: Path) -> None:
    """A frame of color and of segmentation above what the colours mean, the largest first."""
    width, height = 600, 330
    rows = json.loads(legend.read_text(encoding="utf-8"))["colors"]
    rows = sorted(rows, key=lambda row: -row["pixels"])[:12]
    lines = -(-len(rows) // 3)
    size = (3 * GAP + 2 * width, height + 3 * GAP + 30 * lines)
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for column, video in enumerate((color, painted)):
        (frame,) = stills(video, [FRAMES // 2], width, height)
        sheet.paste(Image.fromarray(frame), (GAP + column * (width + GAP), GAP))
    whole = sum(row["pixels"] for row in rows)
    for number, row in enumerate(rows):
        x = GAP + (number // lines) * (size[0] // 3)
        y = height + 2 * GAP + 30 * (number % lines)
        draw.rectangle((x, y, x + 28, y + 20), fill=row["color"])
        draw.text(
            (x + 40, y + 1), row["name"] or row["id"], font=ImageFont.load_default(15), fill=TEXT
        )
        share = f"{row['color']}  {100 * row['pixels'] / whole:.1f} %"
        draw.text((x + 360, y + 1), share, font=ImageFont.load_default(15), fill=FAINT, anchor="ra")
    save(sheet, "segmentation.jpg")


def save(picture: Image.Image, name: str) -> None:
    """Write it as JPEG and say how large it is."""
    picture.convert("RGB").save(DEST / name, quality=86, optimize=True)
    print(f"docs/pictures/{name}: {(DEST / name).stat().st_size // 1000} kB, {picture.size}")


if __name__ == "__main__":
    main()
