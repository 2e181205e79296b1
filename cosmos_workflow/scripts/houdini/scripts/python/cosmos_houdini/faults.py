"""What can go wrong between Houdini and ``cosmos``, in words for the artist."""

from __future__ import annotations


class CosmosFailed(Exception):
    """``message`` says what, ``hint`` what to do next, ``exit_code`` what cosmos ended with."""

    def __init__(self, message: str, hint: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def text(self) -> str:
        """Message and hint for a dialog."""
        return f"{self.message}\n\n{self.hint}" if self.hint else self.message
