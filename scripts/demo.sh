#!/bin/sh
# The whole job on this machine: render passes -> videos -> specs -> run -> contact sheet.
# Each command is the real one, shown as you would type it.  Safe to run again: what is rendered
# is kept, the rest is made anew.
#
#   sh scripts/demo.sh [FOLDER]
set -eu
project=${1:-demo}

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi

run() {
  printf '\n%s$ cosmos' "$bold"
  for word in "$@"; do
    case $word in
      '' | *[!A-Za-z0-9_./:=*-]*) printf ' "%s"' "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '%s\n' "$plain"
  cosmos "$@"
}

newest() { # newest FOLDER: the id at the end of the name of the last file below inputs/FOLDER
  for file in inputs/"$1"/*/pavilion_*.json; do :; done
  file=${file%.json}
  end=${file##*_}
  start=${file%_"$end"}
  printf '%s_%s\n' "${start##*_}" "$end"
}

run init "$project"
cd "$project"
printf '\n(in the folder %s)\n' "$project"

run sample renders/pavilion
run prepare-inference renders/pavilion --name pavilion
run create-spec pavilion "rainy neon night, cinematic" --from pavilion
run create-run "$(newest prompts)" --weights 0.2 0.3 0.4 0.1 --seed 7
spec=$(newest runs)
run run "$spec"
run sheet "$spec"

for video in outputs/"$spec".*/pavilion_*.mp4; do :; done
cat <<TEXT

${bold}That was the whole job, as a rehearsal${plain}: engine preview, target local.
  video          $project/$video
  contact sheet  $project/${video%/*}/contact_sheet.png

${bold}On a GPU host of yours${plain}, in a folder of your own:
  cosmos init --host user@gpu-host    writes config.toml with the host in it
  cosmos doctor                       what the host still lacks, with each fix
  then the same commands: with a host in the config the engine is transfer1, and
  closing the terminal leaves the run running there (cosmos follow comes back).

cosmos is .venv/bin/cosmos; README.md has the rest.
TEXT
