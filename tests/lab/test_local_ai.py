"""Local models through transformers' real code: batches, half precision, what is missing."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_models import of, settings, tiny

from cosmos_workflow.config.settings import LocalModels
from cosmos_workflow.errors import ConfigError, CosmosError, MissingExtra
from cosmos_workflow.local_ai import asking
from cosmos_workflow.local_ai.describe import describe, see
from cosmos_workflow.local_ai.loading import answers
from cosmos_workflow.local_ai.model import ROLES, Model, NotHere, folder_of, joined, models
from cosmos_workflow.local_ai.place import Place
from cosmos_workflow.video.frames import Encoder

__all__ = ["settings", "tiny"]

CPU = Place("cpu", half=False)


def frames(count: int = 5) -> list[Any]:
    """Checks of other colours in each frame, (64, 80, 3) uint8."""
    colours = np.random.RandomState(1).randint(0, 255, (count, 4, 5, 3))
    return [np.kron(one, np.ones((16, 16, 1))).astype(np.uint8) for one in colours]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "a shot; 夜.mp4"
    with Encoder(path, 80, 64, 24) as encoder:
        for frame in frames(9):
            encoder.write(frame)
    return path


def faults_of(
    look: Callable[[Callable[[CosmosError], None]], Any],
) -> tuple[Any, list[CosmosError]]:
    told: list[CosmosError] = []
    return look(told.append), told


@pytest.mark.parametrize("role", ROLES)
def test_a_batch_says_what_single_frames_say(role: str, settings: LocalModels) -> None:
    model = next(one for one in models(settings) if one.role == role)
    folder, ask = folder_of(model), getattr(asking, role)
    alone = answers(model, folder, CPU, frames(), 1, ask)
    together = answers(model, folder, CPU, frames(), 2, ask)
    assert len({json.dumps(one) for one in alone}) > 2, "these models see no difference"
    if role == "tags":
        assert [pytest.approx(one, abs=1e-4) for one in alone] == together
    else:
        assert alone == together


@pytest.mark.parametrize("role", ROLES)
def test_half_precision_says_the_same_of_the_surest(role: str, settings: LocalModels) -> None:
    model = next(one for one in models(settings) if one.role == role)
    folder, ask = folder_of(model), getattr(asking, role)
    whole = answers(model, folder, CPU, frames(), 8, ask)
    half = answers(model, folder, Place("cpu", half=True), frames(), 8, ask)
    if role == "tags":
        assert [pytest.approx(one, abs=0.02) for one in whole] == half
        assert whole != half, "nothing was halved"
    elif role == "objects":
        assert whole == half  # its loud weights overflow 16 bits: it was asked again with 32
    else:
        assert [one.split()[:3] for one in whole] == [one.split()[:3] for one in half]


def test_a_video_is_described(video: Path, settings: LocalModels, capfd: Any) -> None:
    heard: list[tuple[str, float]] = []
    words = describe(video, settings, lambda stage, share: heard.append((stage, share)))
    assert set(words.caption.split()) <= {"a", *of_tiny_words()}
    assert words.tags and set(words.tags) <= {"studio couch", "library", "patio"}
    assert words.objects and all(one.split()[0].isdigit() for one in words.objects)
    assert words.models == {"caption": "blip", "tags": "vit", "objects": "detr"}
    assert [stage for stage, _ in heard] == [
        "describing: caption", "describing: tags", "describing: objects", "describing",
    ]  # fmt: skip
    assert [share for _, share in heard] == sorted(share for _, share in heard)
    assert words == describe(video, settings)
    assert capfd.readouterr() == ("", ""), "transformers spoke on the user's terminal"


def of_tiny_words() -> set[str]:
    from tiny_models import WORDS

    return {word.rstrip(";") for word in WORDS} | {f"{word};" for word in WORDS}


def test_no_model_stays_in_memory(video: Path, settings: LocalModels) -> None:
    from transformers import PreTrainedModel

    describe(video, settings)

    def breaks(loaded: Any, some: Any) -> list[str]:
        inner = loaded.network  # as the frames of a real failure hold it
        raise RuntimeError(f"CUDA out of memory in {type(inner).__name__}")

    model = models(settings)[1]
    with pytest.raises(ConfigError, match="too little memory") as caught:
        answers(model, folder_of(model), CPU, frames(), 8, breaks)
    gc.collect()
    left = [one for one in gc.get_objects() if issubclass(type(one), PreTrainedModel)]
    assert left == [] and caught.value.__cause__ is not None  # which could hold one


def without(tiny: Path, tmp_path: Path, role: str) -> Path:
    """A copy of the models, whose one for ``role`` may be hurt."""
    folder = tmp_path / "copies"
    shutil.copytree(tiny, folder)
    return folder / {"caption": "blip", "tags": "vit", "objects": "detr"}[role]


HURTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "not complete: model.safetensors"),
    "no config": (lambda f: (f / "config.json").unlink(), "not complete: config.json"),
    "cut": (lambda f: cut(f / "model.safetensors"), "cannot be loaded"),
    "empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "cannot be loaded"),
    "pointer": (
        lambda f: (f / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1"),
        "cannot be loaded",
    ),
    "config cut": (lambda f: cut(f / "config.json"), "cannot be read"),
    "config of nonsense": (
        lambda f: change(f / "config.json", hidden_size="many", d_model="many", text_config="x"),
        "cannot be loaded",
    ),
    "of another kind": (lambda f: change(f / "config.json", model_type="bert"), "kind 'bert'"),
    "of another size": (
        lambda f: change(f / "config.json", intermediate_size=8, encoder_ffn_dim=8,
                         text_config={"intermediate_size": 8}),
        "lacks",
    ),
    "no head": (lambda f: drop(f / "model.safetensors"), "lacks"),
    "no numbers": (lambda f: poison(f / "model.safetensors"), "no numbers"),
}  # fmt: skip


def cut(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def change(file: Path, **values: Any) -> None:
    data = json.loads(file.read_text())
    for key, value in values.items():
        if isinstance(value, dict) and key in data:
            data[key] |= value
        elif key in data:
            data[key] = value
    file.write_text(json.dumps(data))


def drop(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(file)
    heads = ("classifier.", "class_labels_classifier.", "cls.predictions.transform.")
    save_file({k: v for k, v in weights.items() if not any(h in k for h in heads)}, file)


def poison(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({k: v * float("nan") for k, v in load_file(file).items()}, file)


@pytest.mark.parametrize("hurt", HURTS)
@pytest.mark.parametrize("role", ROLES)
def test_a_hurt_model_is_told(
    role: str, hurt: str, tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = without(tiny, tmp_path, role)
    wound, message = HURTS[hurt]
    wound(folder)
    model = next(one for one in models(of(folder.parent)) if one.role == role)
    with pytest.raises(CosmosError) as caught:
        answers(model, folder_of(model), CPU, frames(1), 1, getattr(asking, role))
    fault = caught.value
    assert message in fault.message and role in fault.message
    assert fault.hint and "\n" not in fault.message
    assert capfd.readouterr() == ("", ""), "transformers spoke on the user's terminal"


@pytest.mark.parametrize("role", ROLES)
def test_the_others_answer(role: str, tiny: Path, tmp_path: Path) -> None:
    folder = without(tiny, tmp_path, role)
    cut(folder / "model.safetensors")
    words, told = faults_of(lambda absent: see(lambda: frames(2), of(folder.parent), absent=absent))
    assert sorted(words.models) == sorted(set(ROLES) - {role})
    assert len(told) == 1
    with pytest.raises(type(told[0]), match="cannot be loaded"):
        see(lambda: frames(2), of(folder.parent))


def test_weights_in_torch_s_own_file_are_read(tiny: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    for name in ("blip", "vit", "detr"):
        folder = tmp_path / name
        shutil.copytree(tiny / name, folder)
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    assert see(lambda: frames(3), of(tmp_path)) == see(lambda: frames(3), of(tiny))


def test_weights_in_several_files_are_read_and_missed(tiny: Path, tmp_path: Path) -> None:
    from transformers import ViTForImageClassification

    folder = tmp_path / "vit"
    shutil.copytree(tiny / "vit", folder)
    (folder / "model.safetensors").unlink()
    ViTForImageClassification.from_pretrained(tiny / "vit").save_pretrained(
        folder, max_shard_size="40KB"
    )
    model = Model("tags", str(folder))
    assert folder_of(model) == folder
    whole = answers(model, folder, CPU, frames(2), 2, asking.tags)
    assert whole == answers(model, tiny / "vit", CPU, frames(2), 2, asking.tags)
    parts = sorted(folder.glob("model-*.safetensors"))
    assert len(parts) > 1
    parts[-1].unlink()
    with pytest.raises(MissingExtra, match=f"{parts[-1].name} missing"):
        folder_of(model)


def test_the_processor_files_of_the_hub_are_read(tiny: Path, tmp_path: Path) -> None:
    """Older models have a preprocessor_config.json and a vocab.txt, and no tokenizer.json."""
    folder = tmp_path / "blip"
    shutil.copytree(tiny / "blip", folder)
    together = json.loads((folder / "processor_config.json").read_text())
    pictures = {**together["image_processor"], "processor_class": "BlipProcessor"}
    pictures["image_processor_type"] = "BlipImageProcessor"
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    for name in ("processor_config.json", "tokenizer.json"):
        (folder / name).unlink()
    shutil.copy(tiny / "vocab.txt", folder)
    model = Model("caption", str(folder))
    old = answers(model, folder_of(model), CPU, frames(2), 2, asking.caption)
    assert old == answers(model, tiny / "blip", CPU, frames(2), 2, asking.caption)


def test_a_revision_that_needs_timm_says_which_does_not(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "detr"
    shutil.copytree(tiny / "detr", folder)
    data = json.loads((folder / "config.json").read_text())
    data |= {"backbone_config": None, "use_timm_backbone": True, "backbone": "resnet50"}
    (folder / "config.json").write_text(json.dumps(data))
    model = Model("objects", str(folder))
    with pytest.raises(MissingExtra, match="timm") as caught:
        answers(model, folder_of(model), CPU, frames(1), 1, asking.objects)
    assert "no_timm" in caught.value.hint


def test_a_device_that_is_not_there_is_told(video: Path, settings: LocalModels) -> None:
    for device in ("cuda", "mps"):
        with pytest.raises(ConfigError, match=f"device = '{device}': torch finds none") as caught:
            describe(video, settings.model_copy(update={"device": device}))
        assert "cpu" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("./nowhere", ConfigError, "there is no such folder"),
        ("/no/where", ConfigError, "there is no such folder"),
        ("a b/c", ConfigError, "neither a folder nor an id"),
        ("a/b/c", ConfigError, "neither a folder nor an id"),
        ("../a", ConfigError, "there is no such folder"),
        ("a/..", ConfigError, "neither a folder nor an id"),
        ("nobody/nothing", NotHere, "not on this machine: nobody/nothing for caption"),
    ],
)
def test_what_is_no_model_is_told(source: str, error: type[CosmosError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        folder_of(Model("caption", source))
    assert caught.value.hint


@pytest.fixture
def cache(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with nobody/tiny: a commit, which main and the branch ``other`` are."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repo = tmp_path / "hub" / "models--nobody--tiny"
    shutil.copytree(tiny / "vit", repo / "snapshots" / "c0ffee")
    (repo / "refs").mkdir()
    for name in ("main", "other"):
        (repo / "refs" / name).write_text("c0ffee")
    return repo


@pytest.mark.parametrize("revision", ["", "main", "other", "c0ffee"])
def test_the_hub_s_cache_is_read_by_revision(revision: str, cache: Path) -> None:
    settings = LocalModels(
        caption_model="x/y", tags_model="nobody/tiny", tags_revision=revision, objects_model="x/z"
    )
    words, told = faults_of(lambda absent: see(lambda: frames(2), settings, absent=absent))
    assert words.models == {"tags": "nobody/tiny@c0ffee"}
    assert [fault.message for fault in joined(told)] == [
        "not on this machine: x/y for caption, x/z (no_timm) for objects"
    ]
    hint = joined(told)[0].hint
    assert "cosmos describe --download" in hint
    assert "\n  hf download x/z --revision no_timm --local-dir z\n" in hint


def test_another_revision_than_the_one_here_is_not_here(cache: Path) -> None:
    with pytest.raises(
        NotHere, match=r"not on this machine: nobody/tiny \(v2\) for tags"
    ) as caught:
        folder_of(Model("tags", "nobody/tiny", "v2"))
    assert "hf download nobody/tiny --revision v2" in caught.value.hint


def test_a_download_that_was_cut_is_told(cache: Path) -> None:
    (cache / "snapshots" / "c0ffee" / "model.safetensors").unlink()
    with pytest.raises(NotHere, match=r"not complete: model.safetensors missing"):
        folder_of(Model("tags", "nobody/tiny"))


@pytest.mark.parametrize("library", ["torch", "transformers", "huggingface_hub"])
def test_without_the_extra_it_says_how_to_get_it(library: str, video: Path) -> None:
    code = f"""
import sys, pathlib
class Without:
    def find_spec(self, name, path=None, target=None):
        if name == {library!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
from cosmos_workflow.config.settings import Settings
from cosmos_workflow.workflows.describe import described
video = pathlib.Path({str(video)!r})
print(described(video, Settings(root=video.parent), print))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    said, nothing = done.stdout.splitlines()
    assert nothing == "None" and "ai extra" in said
    assert said.endswith("pip install 'cosmos-workflow[ai]'") and done.stderr == ""
