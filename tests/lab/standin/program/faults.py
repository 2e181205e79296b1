"""What the stand-in is told to do wrong, by ``[[word]]`` or ``[[word=value]]`` in a prompt.

``checkpoints/fault.txt`` may hold such words too; they then hold for every prompt.

load=S slow=S     seconds to load, and to sample        hang stubborn   for ever; stubborn: no TERM
oom               out of GPU memory                     hostoom         out of host memory, killed
crash exit=N      a segmentation fault; exit code N     fulldisk        no space left on device
block blockvideo  the guardrail refuses                 nooutput        exit code 0 and no video
badvideo halfvideo  an unreadable one; one cut short    big=MB          a bigger one
lines=N           lines of log                          env leak=NAME   print names; print a value
"""

import os
import re
import signal
import sys
import time
from pathlib import Path

WORD = re.compile(r"\[\[([a-z]+)(?:=([^\]]*))?\]\]")

OUT_OF_MEMORY = """\
Traceback (most recent call last):
  File "/workspace/cosmos_transfer1/diffusion/inference/transfer.py", line 412, in <module>
    demo(args, control_inputs)
  File "/workspace/cosmos_transfer1/diffusion/module/blocks.py", line 196, in forward
    x = self.mlp(x)
torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 14.06 GiB. GPU 0 has a total \
capacity of 79.11 GiB of which 2.31 GiB is free. Including non-PyTorch memory, this process has \
76.79 GiB memory in use. Of the allocated memory 75.12 GiB is allocated by PyTorch, and 1.02 GiB \
is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting \
PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid fragmentation."""


def words(text: str, checkpoints: str) -> dict[str, str]:
    """The faults asked for: word -> value, "" for none."""
    file = Path(checkpoints, "fault.txt")
    everywhere = file.read_text(encoding="utf-8") if file.is_file() else ""
    return {word: value or "" for word, value in WORD.findall(everywhere + text)}


def before_loading(asked: dict[str, str]) -> None:
    if "env" in asked:
        print("environment:", " ".join(sorted(os.environ)), flush=True)
    if "leak" in asked:
        print(f"{asked['leak']} is {os.environ.get(asked['leak'], '')}", flush=True)
    time.sleep(float(asked.get("load", 0)))


def while_sampling(asked: dict[str, str]) -> None:
    for number in range(int(asked.get("lines", 0))):
        print(f"line {number}", flush=True)
    if "oom" in asked:
        print(OUT_OF_MEMORY, file=sys.stderr, flush=True)
        sys.exit(1)
    if "hostoom" in asked:
        hoard = []
        while True:
            hoard.append(bytearray(b"x" * 50_000_000))
    if "crash" in asked:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "exit" in asked:
        sys.exit(int(asked["exit"]))
    if "fulldisk" in asked:
        raise OSError(28, "No space left on device")
    if "stubborn" in asked:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "stubborn" in asked or "hang" in asked:
        hang()


def hang() -> None:
    while True:
        time.sleep(3600)


def spoil(asked: dict[str, str], video: Path) -> None:
    """Do to the finished video what was asked."""
    if "nooutput" in asked:
        video.unlink()
    elif "badvideo" in asked:
        video.write_bytes(b"this is no video\n" * 1000)
    elif "halfvideo" in asked:
        data = video.read_bytes()
        video.write_bytes(data[: len(data) // 2])
