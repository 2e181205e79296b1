"""Settings: one ``config.toml``, overridden by the environment, checked once, frozen."""
