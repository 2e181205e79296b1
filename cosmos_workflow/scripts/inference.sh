#!/usr/bin/env bash
# Runs Cosmos Transfer1 with the flags given, from the root of its code.
#
#   bash inference.sh --controlnet_specs spec.json --num_gpus 1 ...
#
# NUM_GPU      processes, one a GPU; the same number as --num_gpus (1)
# COSMOS_REPO  the model's code; else the folder we are in, if it is that, else /workspace
set -euo pipefail

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

exec torchrun --nproc_per_node="$NUM_GPU" --nnodes=1 --node_rank=0 "$program" "$@"
