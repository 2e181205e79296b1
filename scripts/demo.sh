#!/bin/sh
# The whole job on this machine: render passes -> videos -> specs -> run -> contact sheet.
# Each command is the real one, shown as you would type it.
set -eu
say() { printf '\n\033[1m$ cosmos'; for word in "$@"; do case $word in *[!A-Za-z0-9_./:=*-]*) printf ' "%s"' "$word";; *) printf ' %s' "$word";; esac; done; printf '\033[0m\n'; }
run() { say "$@"; cosmos "$@"; }

project=${1:-demo}
run init "$project"
cd "$project"
printf '\n(in the folder %s)\n' "$project"
run sample renders/night_drive
run prepare-inference renders/night_drive --name night_drive --description "a wet street at night"
shot=$(ls -d inputs/videos/night_drive_* | tail -n 1)
run create-spec night_drive "rainy neon street at night, cinematic, wet asphalt reflections" --from "$shot"
run create-run night_drive --weights 0.2 0.3 0.4 0.1 --seed 7
run run night_drive
run sheet night_drive
cat <<'TEXT'

That was a rehearsal: the engine `preview` on the target `local`.  On a GPU host of yours:
  cosmos init --host user@gpu-host          writes [remote] into config.toml
  cosmos doctor                             what the host still needs, each with its fix
  cosmos create-run night_drive --engine transfer1
  cosmos run night_drive                    follows it; Ctrl-C leaves it running
TEXT
