"""Models of the three kinds, built here in the size of a thumb: transformers' real code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cosmos_workflow.config.settings import LocalModels

WORDS = [
    "a", "modern", "architectural", "interior", "with", "stairs", "room", "chairs", "red", "blue",
    "of", "the", "man", "window",
]  # fmt: skip
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]"]
SMALL: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40,
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``blip``, ``vit`` and ``detr``; their weights are random, and always the same.

    They are loud: a small change of the picture changes what they say.
    """
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(7)
    torch.set_num_threads(1)  # for models so small, waiting for a second thread is most of the work
    folder = tmp_path_factory.mktemp("models")
    _blip(folder)
    _vit(folder)
    _detr(folder)
    return folder


@pytest.fixture
def settings(tiny: Path) -> LocalModels:
    """[ai] with the tiny models."""
    return of(tiny)


def of(folder: Path) -> LocalModels:
    """[ai] with the models in ``folder``."""
    return LocalModels(
        caption_model=str(folder / "blip"),
        tags_model=str(folder / "vit"),
        objects_model=str(folder / "detr"),
        device="cpu",
    )


def _loud(network: Any) -> Any:
    import torch

    with torch.no_grad():
        for name, weights in network.named_parameters():
            if weights.ndim > 1:
                weights.mul_(120 if name == "class_labels_classifier.weight" else 12)
            if name == "class_labels_classifier.bias":
                weights.copy_(torch.tensor([-90.0, 1.0, 1.0, 1.0, -7.0]))  # never the nameless
    return network


def _blip(folder: Path) -> None:
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipProcessor,
    )
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    (folder / "vocab.txt").write_text("\n".join(MARKS + WORDS), encoding="utf-8")
    text = {
        **SMALL, "vocab_size": len(MARKS + WORDS), "encoder_hidden_size": 32, "projection_dim": 32,
        "max_position_embeddings": 64, "bos_token_id": 5, "pad_token_id": 0, "eos_token_id": 3,
        "sep_token_id": 3,
    }  # fmt: skip
    vision = {
        **SMALL, "image_size": 30, "patch_size": 6, "projection_dim": 32, "initializer_range": 0.02,
    }  # fmt: skip
    config = BlipConfig(
        text_config=text, vision_config=vision, projection_dim=32, image_text_hidden_size=32
    )
    tokens = BertTokenizer(
        vocab=str(folder / "vocab.txt"), bos_token="[DEC]", additional_special_tokens=["[ENC]"]
    )
    pictures = BlipImageProcessorPil(size={"height": 30, "width": 30})
    BlipProcessor(pictures, tokens).save_pretrained(folder / "blip")
    _loud(BlipForConditionalGeneration(config)).save_pretrained(folder / "blip")


def _vit(folder: Path) -> None:
    from transformers import ViTConfig, ViTForImageClassification
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    names = {0: "studio couch, day bed", 1: "library", 2: "LABEL_2", 3: "patio, terrace"}
    config = ViTConfig(
        image_size=30, patch_size=6, id2label=names, label2id={v: k for k, v in names.items()},
        **SMALL,
    )  # fmt: skip
    _loud(ViTForImageClassification(config)).save_pretrained(folder / "vit")
    ViTImageProcessorPil(size={"height": 30, "width": 30}).save_pretrained(folder / "vit")


def _detr(folder: Path) -> None:
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig
    from transformers.models.detr.image_processing_pil_detr import DetrImageProcessorPil

    names = {0: "N/A", 1: "person", 2: "chair", 3: "dining table"}
    half = {
        f"{side}_{what}": number
        for side in ("encoder", "decoder")
        for what, number in (("layers", 2), ("ffn_dim", 32), ("attention_heads", 2))
    }
    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 16, 32], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = DetrConfig(
        use_timm_backbone=False, backbone_config=backbone, d_model=32, num_queries=6,
        id2label=names, label2id={v: k for k, v in names.items()}, **half,
    )  # fmt: skip
    _loud(DetrForObjectDetection(config)).save_pretrained(folder / "detr")
    DetrImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 100}).save_pretrained(
        folder / "detr"
    )
