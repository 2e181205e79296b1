#!/usr/bin/env bash
# Makes a GPU host ready for Cosmos Transfer1: code, image, weights.  Safe to run again.
#
#   bash host-setup.sh [FOLDER] [7b|7b_av|all]
#
# FOLDER  gets cosmos-transfer1/ with checkpoints/ in it, and huggingface/ (~/cosmos-models)
# 7b      which weights: general (7b, the default), driving (7b_av) or both (all)
#
# HF_TOKEN must be a Hugging Face token of an account that accepted the licences of
# meta-llama/Llama-Guard-3-8B and nvidia/Cosmos-Guardrail1.  About 300 GB are downloaded for all.
# What this program needs and does not find, it names; it installs nothing on the system.
set -euo pipefail

folder=${1:-$HOME/cosmos-models}
model=${2:-7b}
image=${COSMOS_IMAGE:-cosmos-transfer1:latest}
source=${COSMOS_SOURCE:-https://github.com/nvidia-cosmos/cosmos-transfer1.git}
commit=${COSMOS_COMMIT:-5005e823}

say() { printf '== %s\n' "$1"; }
fail() {
  printf 'host-setup.sh: %s\n' "$1" >&2
  exit 1
}

case $model in 7b | 7b_av | all) ;; *) fail "no weights named '$model': 7b, 7b_av or all" ;; esac
command -v git >/dev/null || fail 'git is not installed'
command -v docker >/dev/null || fail 'docker is not installed: https://docs.docker.com/engine/install'
docker info >/dev/null 2>&1 || fail 'docker does not answer: is it running, and are you in its group?'
docker info --format '{{json .Runtimes}}' | grep -q nvidia ||
  fail 'docker has no nvidia runtime: install nvidia-container-toolkit and restart docker'
[ -n "${HF_TOKEN:-}" ] || fail 'HF_TOKEN is not set: export a Hugging Face token first'

mkdir -p "$folder/huggingface"
folder=$(cd "$folder" && pwd)
repo=$folder/cosmos-transfer1

say "code in $repo"
[ -d "$repo/.git" ] || git clone --filter=blob:none "$source" "$repo"
git -C "$repo" checkout --quiet "$commit"
git -C "$repo" submodule update --init --recursive

say "image $image"
docker image inspect "$image" >/dev/null 2>&1 ||
  docker build --file "$repo/Dockerfile" --tag "$image" "$repo"

say "weights ($model) in $repo/checkpoints"
docker run --rm --env HF_TOKEN --env PYTHONPATH=/workspace \
  --volume "$repo:/workspace" --volume "$folder/huggingface:/root/.cache/huggingface" \
  "$image" python scripts/download_checkpoints.py --output_dir checkpoints/ --model "$model"

# The download ends with 0 even where it failed.
missing=''
wanted='google-t5/t5-11b meta-llama/Llama-Guard-3-8B nvidia/Cosmos-Guardrail1
  nvidia/Cosmos-Tokenize1-CV8x8x8-720p/encoder.jit'
[ "$model" = 7b_av ] || wanted="$wanted nvidia/Cosmos-Transfer1-7B/base_model.pt"
[ "$model" = 7b ] || wanted="$wanted nvidia/Cosmos-Transfer1-7B-Sample-AV/base_model.pt"
for path in $wanted; do
  [ -e "$repo/checkpoints/$path" ] || missing="$missing $path"
done
[ -z "$missing" ] || fail "not downloaded:$missing (accept the licences, then run this again)"

host=$(hostname -f 2>/dev/null || hostname)
say 'ready; on your own machine, in config.toml (cosmos init writes one):'
cat <<END
[remote]
host = "$host"
user = "$(id -un)"
repo = "$repo"
checkpoints = "$repo/checkpoints"
hf_cache = "$folder/huggingface"

[docker]
image = "$image"
END
