"""``cosmos inspect`` as a person calls it: a table of 80 columns, JSON, and problems in words."""

import cv2
import numpy as np
import OpenEXR

from cosmos_workflow.cli.words import width_of


def png(path, deep=False):
    shape = (4, 8) if deep else (4, 8, 3)
    path.parent.mkdir(exist_ok=True)
    data = cv2.imencode(".png", np.zeros(shape, np.uint16 if deep else np.uint8))[1]
    path.write_bytes(data.tobytes())


def exr(path, **header):
    path.parent.mkdir(exist_ok=True)
    planes = {name: np.ones((4, 8), np.float16) for name in "RGB"}
    planes["Pz"] = np.ones((4, 8), np.float32)
    planes["N.x"] = planes["N.y"] = planes["N.z"] = planes["R"]
    head = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(head, planes).write(str(path))


def test_png_passes(project, cosmos):
    for number in (1001, 1002):
        png(project / "shot" / f"color.{number}.png")
        png(project / "shot" / f"depth.{number}.png", deep=True)
    said = cosmos("inspect", "shot")
    assert said.code == 0 and said.err == ""
    assert said.out.endswith(
        "shot\n"
        "files           frames         size  values       becomes\n"
        "color.####.png  1001-1002 (2)  8x4   8-bit RGB    color\n"
        "depth.####.png  1001-1002 (2)  8x4   16-bit grey  depth\n"
        "\n"
        "next: cosmos prepare-inference shot\n"
    )


def test_exr_layers(project, cosmos):
    exr(project / "shot" / "beauty.1.exr", colorSpace="ACEScg", renderer="Karma", owner="me")
    said = cosmos("inspect", "shot")
    assert said.code == 0
    assert all(width_of(line) <= 80 for line in said.out.splitlines())
    told = said.out.partition("\nEXR ")[2]
    assert told == (
        "ZIP\n"
        "colour space: ACEScg\n"
        "shown as: ACEScg by ACES 1.0 - SDR Video of sRGB - Display\n"
        "renderer: Karma\n"
        "layer  channels  values  becomes\n"
        "rgba   RGB       half    color\n"
        "N      XYZ       half    nothing yet (normals)\n"
        "Pz     1         float   depth\n"
        "\n"
        "next: cosmos prepare-inference shot\n"
    )
    assert "owner: me" in cosmos("inspect", "shot", "--verbose").out


def test_problems_are_listed_and_are_no_failure(project, cosmos):
    png(project / "shot" / "color.1.png")
    png(project / "shot" / "color.2.png")
    png(project / "shot" / "color.4.png")
    (project / "shot" / "depth.1.png").write_bytes(b"")
    said = cosmos("inspect", "shot")
    assert said.code == 0
    assert "color.####.png: frames missing: 3" in said.out
    assert "depth.1.png is empty" in said.out
    assert said.out.endswith("next: put these right, then cosmos prepare-inference shot\n")


def test_json_is_one_object(project, cosmos):
    exr(project / "shot" / "C.1.exr")
    (told,) = cosmos("inspect", "shot", "--json").objects
    assert told["sequences"][0]["becomes"] == {"color": "rgba", "depth": "Pz"}
    assert told["problems"] == []
    assert told["next"] == "cosmos prepare-inference shot"


def test_the_highest_version_is_taken_when_asked_for(project, cosmos):
    png(project / "v2" / "color.1.png")
    png(project / "v10" / "color.7.png")
    assert "v10\n" in cosmos("inspect", ".", "--latest").out
    (project / "v11").mkdir()
    said = cosmos("inspect", ".")
    assert said.code == 0 and said.out.endswith("next: cosmos inspect . --latest\n")
    rows = [line.split() for line in said.out.splitlines()]
    assert ["v10", "color.####.png", "7"] in rows and ["v11"] in rows
    (told,) = cosmos("inspect", ".", "--json").objects
    assert [one["name"] for one in told["versions"]] == ["v2", "v10", "v11"]


def test_what_cannot_be_read_is_an_error(project, cosmos):
    assert cosmos("inspect", "nowhere").code == 7
    (project / "shot").mkdir()
    (project / "shot" / "metadata.json").write_text("{}")
    said = cosmos("inspect", "shot")
    assert said.code == 7 and "does not describe a prepared shot" in said.err
