"""What a person wants: prompts, controls and parameters, strict, frozen, as JSON on disk."""
