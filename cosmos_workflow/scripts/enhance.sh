#!/usr/bin/env bash
# Runs Transfer1's prompt upsampler on the words in prompt.json, and keeps what it answers in
# outputs/prompt.txt; both are beside this file.
#
#   bash enhance.sh --input_video video.mp4 --checkpoint_dir checkpoints ...
#
# COSMOS_REPO  the model's code; else the folder we are in, if it is that, else /workspace
set -euo pipefail

program=cosmos_transfer1/auxiliary/upsampler/inference/upsampler_pipeline.py
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=${COSMOS_REPO:-}
if [ -z "$repo" ]; then
  repo=/workspace
  if [ -f "$program" ]; then repo=$PWD; fi
fi

fail() {
  printf 'enhance.sh: %s\n' "$1" >&2
  exit 66
}

[ -f "$repo/$program" ] || fail "there is no $program in $repo"
command -v torchrun >/dev/null 2>&1 || fail 'torchrun is not installed here'

# The dot keeps line ends at the end of the words from being cut off.
read_words='import json, sys; sys.stdout.write(json.load(open(sys.argv[1], encoding="utf-8"))["prompt"] + ".")'
words=$(PYTHONIOENCODING=utf-8 python3 -c "$read_words" "$here/prompt.json")
words=${words%.}

cd "$repo"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
# A port of its own, so that two runs on one machine do not meet.
export PET_MASTER_PORT="${PET_MASTER_PORT:-$((20000 + $$ % 20000))}"
mkdir -p "$here/outputs"
said="$here/said.txt"

# --prompt= and not two words: words that begin with -- would be taken for a flag.
torchrun --nproc_per_node=1 --nnodes=1 --node_rank=0 "$program" --prompt="$words" "$@" | tee "$said"

# The answer is all from its mark to the end, but what the libraries log on their way out.
log='^(\(?(EngineCore|VllmWorker|APIServer)[^ ]*|(DEBUG|INFO|WARNING|ERROR) [0-9]|\[rank[0-9]|Processed prompts:)'
sed -n '/^Upsampled prompt:/,$p' "$said" | grep -Ev "$log" | sed '1s/^Upsampled prompt: *//' \
  >"$here/outputs/prompt.txt" || true
rm -f "$said"
grep -q '[^[:space:]]' "$here/outputs/prompt.txt" || rm -f "$here/outputs/prompt.txt"
