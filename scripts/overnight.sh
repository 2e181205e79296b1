#!/bin/sh
# A night of runs, for cron:  30 19 * * 1-5  cd /jobs/atrium && sh scripts/overnight.sh street gpu
#
#   sh overnight.sh PROMPT_SPEC TARGETS [COMMAND...]
#
# Draws 200 variations, as many as 40 in money are enough for and as are done by 07:30, runs them on
# TARGETS (a,b), and then runs COMMAND, which may switch the host off.  Run again, it goes on with
# what is left: the same night has the same RunSpecs.
set -eu
prompt=${1:?a PromptSpec} targets=${2:?targets, like a,b}
shift 2
night=night_$(date +%Y%m%d)

cosmos sweep "$prompt" --name "$night" --target "${targets%%,*}" \
  --vary "seed~uniform(1,1000000)" --vary "guidance~uniform(3,7)" --sample 200 \
  --budget 40 --until 07:30
cosmos queue add "$night" --targets "$targets" --label "$night"
cosmos queue work --targets "$targets" --label "$night"
cosmos queue list --label "$night" --state failed,blocked,set_aside
if [ $# -gt 0 ]; then "$@"; fi
