"""The only file that starts ffmpeg: finds it, runs it, turns what it says into our errors."""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cosmos_workflow.errors import ConfigError, MediaError, MissingExtra

Report = Callable[[int, int], None]
"""Called with frames done and frames in all (0 when that is not known)."""

Feed = Callable[[IO[bytes]], None]
"""Writes what a command reads from its standard input; called in a thread of its own."""

TV_BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)
"""Filter that ends in 8-bit 4:2:0, tv range, BT.709, tagged so: what every engine's decoder reads.

The tags are set by ``setparams`` because newer versions ignore them as output options.
"""

_START = ("-hide_banner", "-nostdin", "-y")
_NTSC = {f"{top * 1000 / 1001:.2f}": f"{top * 1000}/1001" for top in (24, 30, 48, 60, 120)}
_GENERIC = re.compile(
    r"conversion failed|error (while|opening|selecting|submitting|sending|initializing|writing)"
    r"|nothing was written|task finished|terminating thread|could not (open|write) "
    r"|output file is empty|exiting|invalid data found when processing input$|^$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Command:
    """One ffmpeg call: arguments after the common ones, and the frames it should write."""

    args: Sequence[str]
    frames_total: int = 0
    feed: Feed | None = None


@dataclass(frozen=True)
class Finished:
    """What a finished ffmpeg said: frames it wrote, and its messages."""

    frames: int
    messages: str


class FfmpegFailed(MediaError):
    """ffmpeg ended with an error; ``lines`` is what it said.

    ``number``: which of several commands it was, from 0.
    """

    def __init__(self, message: str, *, lines: Sequence[str], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.lines = tuple(lines)
        self.number = 0


@dataclass
class Child:
    """A running ffmpeg and the last lines of its standard error, read as they come."""

    process: subprocess.Popen[bytes]
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    reader: threading.Thread | None = None

    def check(self) -> None:
        """Wait for the end.  Raises MediaError with ffmpeg's own reason if it failed."""
        code = self.process.wait()
        if self.reader:
            self.reader.join()
        if code:
            raise failure(self.lines, code)


def executable() -> str:
    """ffmpeg: ``COSMOS_FFMPEG``, else the one on PATH, else the one of the ``ffmpeg`` extra.

    Raises ConfigError if the variable names no program, MissingExtra if there is none at all.
    """
    asked = os.environ.get("COSMOS_FFMPEG", "")
    found = shutil.which(asked or "ffmpeg")
    if found:
        return found
    if asked:
        raise ConfigError(
            f"COSMOS_FFMPEG is {asked!r}, which is not a program",
            hint="set it to the path of an ffmpeg, or unset it to use the one on PATH",
        )
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise MissingExtra(
            "there is no ffmpeg on this machine",
            hint="pip install 'cosmos-workflow[ffmpeg]', or install ffmpeg with your system",
        ) from error


def ffprobe() -> str | None:
    """The ffprobe that belongs to ``executable()``, or None: the wheel brings none."""
    program = Path(executable())
    return shutil.which(program.name.replace("ffmpeg", "ffprobe"), path=str(program.parent))


def source(path: Path, fps: float | None = None) -> list[str]:
    """Input arguments for a file of any name, which may refer to nothing but files.

    With ``fps`` its own time stamps are ignored: frame after frame at that rate, so that a
    constant-rate output neither repeats nor drops one.
    """
    forced = ["-r", rate(fps)] if fps else []
    return [*forced, "-protocol_whitelist", "file,crypto,data", "-i", url(path)]


def url(path: Path) -> str:
    """The file as ffmpeg takes it: absolute, so that no name looks like a flag or a protocol."""
    return f"file:{path.absolute()}"


def rate(fps: float) -> str:
    """Frames a second as ffmpeg takes it: 24 -> "24", 23.976 -> "24000/1001"."""
    exact = _NTSC.get(f"{fps:.2f}")
    return exact if exact and not float(fps).is_integer() else f"{fps:g}"


def run(args: Sequence[str], *, frames_total: int = 0, report: Report | None = None) -> Finished:
    """Run ffmpeg to its end.  Raises MediaError with its own last word; nothing stays running."""
    return run_together([Command(args, frames_total)], report=report)[0]


def run_together(commands: Sequence[Command], *, report: Report | None = None) -> list[Finished]:
    """Run several at once; ``report`` gets the sums.  The first failure, or Ctrl-C, ends all.

    Raises MediaError, and what a ``feed`` raises.
    """
    total = sum(command.frames_total for command in commands)
    frames = [0] * len(commands)
    heard: queue.Queue[tuple[int, int | BaseException | None]] = queue.Queue()
    with ExitStack() as stack:
        children = [
            stack.enter_context(_listened(number, command, heard))
            for number, command in enumerate(commands)
        ]
        left = len(children)
        while left:
            try:
                number, done = heard.get(timeout=0.5)  # a wait without end hides Ctrl-C on Windows
            except queue.Empty:
                continue
            if isinstance(done, BaseException):
                raise done
            if done is None:
                _ended(children[number], number)
                left -= 1
                continue
            frames[number] = done
            if report:
                report(sum(frames), total)
        return [
            Finished(count, "\n".join(one.lines))
            for count, one in zip(frames, children, strict=True)
        ]


def _ended(one: Child, number: int) -> None:
    try:
        one.check()
    except FfmpegFailed as error:
        error.number = number
        raise


@contextmanager
def _listened(
    number: int, command: Command, heard: queue.Queue[tuple[int, int | BaseException | None]]
) -> Iterator[Child]:
    """The command's child, its progress told to ``heard``, its input written by its feed."""
    pipes = {"stdout": subprocess.PIPE} | ({"stdin": subprocess.PIPE} if command.feed else {})
    with child(["-progress", "pipe:1", "-nostats", *command.args], **pipes) as one:
        threads = [threading.Thread(target=_listen, args=(number, one, heard), daemon=True)]
        if command.feed:
            feeding = (number, one, command.feed, heard)
            threads.append(threading.Thread(target=_fill, args=feeding))
        for thread in threads:
            thread.start()
        try:
            yield one
        finally:
            if one.process.poll() is None:
                one.process.kill()  # a feed that waits for it to read goes on
            for thread in threads:
                thread.join()  # before the pipes that they use are closed


def _fill(
    number: int,
    one: Child,
    feed: Feed,
    heard: queue.Queue[tuple[int, int | BaseException | None]],
) -> None:
    pipe = one.process.stdin
    assert pipe is not None
    try:
        feed(pipe)
    except BrokenPipeError:
        pass  # ffmpeg has gone: how it ended says why
    except BaseException as error:  # raised again by who waits for it, in its own thread
        heard.put((number, error))
    finally:
        with suppress(BrokenPipeError):
            pipe.close()


@contextmanager
def child(args: Sequence[str], **pipes: int) -> Iterator[Child]:
    """A running ffmpeg that is gone, whatever happens, when the block is left."""
    argv = [executable(), *_START, *args]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **pipes}
    try:
        process = subprocess.Popen(
            argv, stdin=streams["stdin"], stdout=streams["stdout"], stderr=subprocess.PIPE
        )
    except OSError as error:
        raise MediaError(f"cannot start {argv[0]}: {error.strerror}") from error
    one = Child(process)
    one.reader = threading.Thread(target=_keep, args=(one,), daemon=True)
    one.reader.start()
    try:
        yield one
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        one.reader.join()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with suppress(BrokenPipeError):  # bytes left for a child that is gone: no loss
                    pipe.close()


def failure(lines: Sequence[str], code: int) -> FfmpegFailed:
    """The error for an ffmpeg that ended with ``code`` after saying ``lines``."""
    said = plain(lines)
    telling = [line for line in said if not _GENERIC.search(line)]
    last = (telling or [line for line in said if line] or [f"it ended with code {code}"])[-1]
    hint = ""
    if any("No space left" in line for line in said):
        last, hint = "no space left on the disk", "free some space and run it again"
    elif any("Unknown encoder" in line for line in said):
        hint = "this ffmpeg lacks H.264; pip install 'cosmos-workflow[ffmpeg]' and set "
        hint += "COSMOS_FFMPEG, or install a full ffmpeg"
    elif code < 0:
        hint = f"ffmpeg was ended by signal {-code}; was the machine out of memory?"
    return FfmpegFailed(f"ffmpeg failed: {last}", lines=said, hint=hint)


def plain(lines: Sequence[str]) -> list[str]:
    """ffmpeg's lines without the ``[part @ 0x5560]`` in front."""
    return [re.sub(r"^(\[[^]]*\] ?)+", "", line).strip() for line in lines]


def _keep(one: Child) -> None:
    assert one.process.stderr is not None
    for raw in one.process.stderr:
        one.lines.append(raw.decode(errors="replace").rstrip())


def _listen(
    number: int, one: Child, heard: queue.Queue[tuple[int, int | BaseException | None]]
) -> None:
    assert one.process.stdout is not None
    for raw in one.process.stdout:
        key, _, value = raw.decode(errors="replace").partition("=")
        if key == "frame" and value.strip().isdigit():
            heard.put((number, int(value)))
    heard.put((number, None))
