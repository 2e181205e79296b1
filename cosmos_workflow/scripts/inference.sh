#!/usr/bin/env bash
# Runs Cosmos Transfer1 with the flags given, from the root of its code.
#
#   bash inference.sh --controlnet_specs spec.json --num_gpus 1 ...
#
# NUM_GPU      processes, one a GPU; the same number as --num_gpus (1)
# RUNS         ids of the runs of a batch, in order; empty for one run by itself
# COSMOS_REPO  the model's code; else the folder we are in, if it is that, else /workspace
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NUM_GPU=${NUM_GPU:-1}
program=cosmos_transfer1/diffusion/inference/transfer.py
repo=${COSMOS_REPO:-}
if [ -z "$repo" ]; then
  repo=/workspace
  if [ -f "$program" ]; then repo=$PWD; fi
fi

fail() {
  printf 'inference.sh: %s\n' "$1" >&2
  exit 66
}

[ -f "$repo/$program" ] || fail "there is no $program in $repo"
command -v torchrun >/dev/null 2>&1 || fail 'torchrun is not installed here'

# The model reads checkpoints and its own configuration relative to its root.
cd "$repo"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export NUM_GPU
# A port of its own, so that two runs on one machine do not meet.
export PET_MASTER_PORT="${PET_MASTER_PORT:-$((20000 + $$ % 20000))}"

model=(torchrun --nproc_per_node="$NUM_GPU" --nnodes=1 --node_rank=0 "$program")
if [ -z "${RUNS:-}" ]; then exec "${model[@]}" "$@"; fi

# Results of a batch lie under numbers, from video_0 on: who reads the log learns whose they are,
# and runs.py beside this file says before each line which run it is about.
read -ra runs <<<"$RUNS"
for number in "${!runs[@]}"; do
  printf 'inference.sh: run %s/%s is %s\n' "$((number + 1))" "${#runs[@]}" "${runs[number]}"
done
set +e
"${model[@]}" "$@" 2>&1 | python3 "$here/runs.py" "${#runs[@]}"
exit "${PIPESTATUS[0]}"
