"""Many specs saved at once: the folder is listed once, not once for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cosmos_workflow.errors import SpecError
from cosmos_workflow.prompts.spec import Spec


@contextmanager
def shelf() -> Iterator[Shelf]:
    """Save in it; when it is left by an error or by Ctrl-C, what was saved is gone again."""
    made: list[Path] = []
    complete = False
    try:
        yield Shelf(made)
        complete = True
    finally:
        for path in [] if complete else made:
            with suppress(OSError):
                path.unlink()


class Shelf:
    """Where many specs are put; ``made`` are the files that were not there before."""

    def __init__(self, made: list[Path]) -> None:
        self.made = made

    def put(
        self, specs: Sequence[Spec], folder: Path, step: Callable[[int], None] = lambda _: None
    ) -> list[Path]:
        """The file of each, below ``folder/{date}/``; the same content is found again.

        ``step`` hears how many are saved.  Raises SpecError: it cannot be written, or a file has
        the id of one of them and is another spec: an id has 8 digits, and they are not endless.
        """
        there = _there(folder)
        paths = []
        for number, spec in enumerate(specs, 1):
            path = there.get(spec.id)
            if path is None:
                path = spec.write_new(folder)
                self.made.append(path)
                there[spec.id] = path
            elif type(spec).load(path).content() != spec.content():
                raise SpecError(
                    f"{path} has the id {spec.id} by chance, and is another {spec.kind}",
                    hint="move that file out of the project, or change a value a little",
                )
            paths.append(path)
            step(number)
        return paths


def _there(folder: Path) -> dict[str, Path]:
    """Every spec file below ``folder/*/`` by its id; of one id the first by name, as ever."""
    found: dict[str, Path] = {}
    for parent in sorted(folder.glob("[!.]*/")):
        for name in sorted(path.name for path in parent.iterdir()):
            stem, dot, ending = name.rpartition(".")
            if ending == "json" and dot and not name.startswith("."):
                found.setdefault("_".join(stem.rsplit("_", 2)[1:]), parent / name)
    return found
