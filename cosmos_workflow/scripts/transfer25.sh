#!/usr/bin/env bash
# Runs Cosmos Transfer2.5 with the flags given, from the root of its code.
#
#   bash transfer25.sh --input-files spec.json ... --output-dir FOLDER ...
#
# NUM_GPU      processes, one a GPU (1)
# COSMOS_REPO  the model's code; else the folder we are in, if it is that, else /workspace
#
# steps.py beside this file turns the model's bars into lines.  Exit codes are the model's own, or
# 66: it is not here.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NUM_GPU=${NUM_GPU:-1}
program=examples/inference.py
repo=${COSMOS_REPO:-}
if [ -z "$repo" ]; then
  repo=/workspace
  if [ -f "$program" ]; then repo=$PWD; fi
fi

fail() {
  printf 'transfer25.sh: %s\n' "$1" >&2
  exit 66
}

[ -f "$repo/$program" ] && [ -d "$repo/cosmos_transfer2" ] || fail "Transfer2.5 is not in $repo"
cd "$repo"
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"

if [ "$NUM_GPU" -gt 1 ]; then
  command -v torchrun >/dev/null 2>&1 || fail 'torchrun is not installed here'
  # A port of its own, so that two runs on one machine do not meet.
  model=(torchrun --nproc_per_node="$NUM_GPU" --master_port="$((20000 + $$ % 20000))")
else
  model=(python)
fi

set +e
"${model[@]}" "$program" "$@" 2>&1 | python3 "$here/steps.py" 'Generating samples'
code=${PIPESTATUS[0]}

# Why a guardrail refused is in the model's own log alone, where it does not speak at length.
output=''
while [ $# -gt 0 ]; do
  if [ "$1" = --output-dir ]; then output=$2; fi
  shift
done
if [ -f "$output/debug.log" ]; then
  grep -E '\] \[[0-9]+/[0-9]+\] Processing sample |GUARDRAIL BLOCKED: ' "$output/debug.log" |
    grep -B 1 'GUARDRAIL BLOCKED: ' | grep -v '^--$'
fi
exit "$code"
