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
run sample renders/pavilion
run prepare-inference renders/pavilion --name pavilion --description "a pavilion with a pool"
run create-spec pavilion "rainy neon night, cinematic, wet reflections" --from pavilion
run create-run pavilion --weights 0.2 0.3 0.4 0.1 --seed 7
run run pavilion
run sheet pavilion
cat <<'TEXT'

That was a rehearsal: the engine `preview` on the target `local`.  On a GPU host of yours:
  cosmos init --host user@gpu-host          writes [remote] into config.toml
  cosmos doctor                             what the host still needs, each with its fix
  cosmos create-run pavilion --engine transfer1
  cosmos run pavilion                    follows it; Ctrl-C leaves it running
TEXT
