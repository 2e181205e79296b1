"""Engines: each speaks one model's language, in one file, without any input or output."""

from cosmos_workflow.registry import Registry

ENGINES = Registry(
    kind="engine",
    group="cosmos_workflow.engines",
    rows={
        "chat": "cosmos_workflow.engines.chat:Chat",
        "cosmos3": "cosmos_workflow.engines.cosmos3:Cosmos3",
        "enhance": "cosmos_workflow.engines.enhance:Enhance",
        "luma": "cosmos_workflow.engines.luma:Luma",
        "nim": "cosmos_workflow.engines.nim:Nim",
        "preview": "cosmos_workflow.engines.preview:Preview",
        "replicate": "cosmos_workflow.engines.replicate:Replicate",
        "sglang": "cosmos_workflow.engines.sglang:Sglang",
        "transfer1": "cosmos_workflow.engines.transfer1:Transfer1",
        "transfer25": "cosmos_workflow.engines.transfer25:Transfer25",
        "upscale": "cosmos_workflow.engines.upscale:Upscale",
        "vllm_omni": "cosmos_workflow.engines.vllm_omni:VllmOmni",
    },
)
