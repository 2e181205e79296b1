#!/usr/bin/env bash
# Runs the Cosmos Transfer1 4K upscaler: the same program, with inference.sh beside this file.
#
#   bash upscale.sh --controlnet_specs spec.json --num_gpus 1 --num_steps 10 ...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec bash "$here/inference.sh" "$@"
