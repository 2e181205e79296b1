#!/usr/bin/env bash
# Runs the Cosmos 3 framework with the flags given, from the root of its code.
#
#   bash cosmos3.sh --input-files spec.json --output-dir FOLDER ...
#
# NUM_GPU      processes, one a GPU (1)
# CHUNKS       how many chunks are made, one after the other (1)
# RUNS         ids of the runs of a batch, in order; empty for one run by itself
# COSMOS_REPO  the framework's code; else the folder we are in, if it is that, else /workspace
#
# steps.py beside this file turns the framework's bars into lines.  Its own account of the sample
# is the last line: "cosmos3.sh: sample_outputs: {...}".  Exit codes are the framework's own, or
# 66: it is not here.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NUM_GPU=${NUM_GPU:-1}
module=cosmos_framework.scripts.inference
program=cosmos_framework/scripts/inference.py
repo=${COSMOS_REPO:-}
if [ -z "$repo" ]; then
  repo=/workspace
  if [ -f "$program" ]; then repo=$PWD; fi
fi

fail() {
  printf 'cosmos3.sh: %s\n' "$1" >&2
  exit 66
}

[ -f "$repo/$program" ] || fail "the Cosmos framework is not in $repo"
cd "$repo"
# The image's own CUDA libraries hide those that PyTorch brings.
unset LD_LIBRARY_PATH

if [ "$NUM_GPU" -gt 1 ]; then
  command -v torchrun >/dev/null 2>&1 || fail 'torchrun is not installed here'
  # A port of its own, so that two runs on one machine do not meet.
  model=(torchrun --nproc-per-node="$NUM_GPU" --master-addr=127.0.0.1
    --master-port="$((20000 + $$ % 20000))" -m "$module")
else
  model=(python -m "$module")
fi

if [ -n "${RUNS:-}" ]; then printf 'cosmos3.sh: runs %s\n' "$RUNS"; fi

set +e
"${model[@]}" "$@" 2>&1 | python3 "$here/steps.py" Sampling "${CHUNKS:-1}"
code=${PIPESTATUS[0]}

output=''
while [ $# -gt 0 ]; do
  if [ "$1" = --output-dir ]; then output=$2; fi
  shift
done
for file in "$output"/*/sample_outputs.json; do
  if [ -f "$file" ]; then printf 'cosmos3.sh: sample_outputs: %s\n' "$(tr '\n' ' ' <"$file")"; fi
done
exit "$code"
