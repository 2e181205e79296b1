"""The programs that the slurm launcher runs on the login node and on the nodes: constant text."""

from __future__ import annotations

BATCH = r"""#!/bin/bash
# The batch script of every job: ROOT is its argument.  Which jobs these are stands at its end.
root=$1 id=$SLURM_JOB_ID place=${SLURM_ARRAY_TASK_ID:-0} name=
[ -z "${SLURM_ARRAY_JOB_ID:-}" ] || id=${SLURM_ARRAY_JOB_ID}_$place
while read -r mark number name; do
  [ "$mark $number" != "#job $place" ] || break
done <"$0"
ws=$root/runs/$name
[ -n "$name" ] && cd "$ws" || exit 73
exec >>slurm.out 2>&1
if [ ! -s slurm_id ]; then
  printf '%s\n' "$id" >".slurm_id.$$" && mv -f ".slurm_id.$$" slurm_id || exit 73
fi
[ ! -e exit_code ] || exit 0
if [ -e cancelled ]; then printf '143\n' >exit_code; exit 143; fi
restarts=${SLURM_RESTART_COUNT:-0} last=0
[ ! -e attempt ] || read -r last <attempt
[ "$restarts" -ge "$last" ] || exit 143
if [ "$restarts" -gt 0 ]; then
  printf '%s\n' "$restarts" >.attempt && mv -f .attempt attempt || exit 73
  # One that did not say its end may live on where nobody can reach it: it sees the number.
  [ ! -e started ] || [ -e stopped ] || sleep 6
  [ ! -e exit_code ] || exit 0
  rm -rf started stopped timed_out said
  printf 'slurm-job: attempt %s, on %s\n' "$((restarts + 1))" "$SLURMD_NODENAME" >>job.log
fi
[ -d outputs ] || mkdir outputs
args=()
while IFS= read -r -d '' arg; do args+=("$arg"); done <slurm-argv
set -- "${args[@]}"
count=$1 folder=$2; shift 2
if [ "$count" -gt 0 ]; then
  type module >/dev/null 2>&1 || . /etc/profile.d/modules.sh || exit 125
  while [ "$count" -gt 0 ]; do
    module load "$1" >>job.log 2>&1 || exit 125
    shift; count=$((count - 1))
  done
fi
cd "$folder" || exit 125
export COSMOS_ATTEMPT="$restarts"
exec "$@" >>"$ws/job.log" 2>&1 # what a container's program has to say is worth knowing
"""
"""It finds out which job it is and writes that down, sets the marks of an attempt aside that was
taken off its node, and becomes what ``slurm-argv`` in the workspace says: how many modules, the
folder to be in, the modules, the line, each closed by a zero byte.

COSMOS_ATTEMPT: run-job.sh leaves no exit code when it is ended from outside, and ends when the
workspace has another number.
"""

START = r"""
root=$1 at_once=$2 batch=$3 minutes=$4 partition=$5 count=$6; shift 6
cd "$root/runs" || exit 66
exec 9>.launch.lock || exit 73 # one at a time submits; the lock ends with its process
flock -w 90 9 || exit 75
told() { [ -s "$1/slurm_id" ] && read -r id <"$1/slurm_id"; }
asked= number=
look_up() { # look_up NAME: the number of what was submitted under this name; empty: nothing
  [ "$asked" != "$1" ] || return 0
  asked=$1
  number=$(timeout 30 squeue -h -o %F -n "$1" 2>&1) || { printf '%s\n' "$number" >&2; exit 75; }
  number=${number%%[!0-9]*}
}
lower() { # what is asked for, to what the partition allows: one that asks for more never begins
  allowed=0
  while read -r name limit; do
    [ -n "$partition" ] || case $name in *'*') ;; *) continue ;; esac
    case $limit in
      *-*:*:*) days=${limit%%-*} limit=${limit#*-} ;;
      *:*) days=0 ;;
      *) return 0 ;; # infinite
    esac
    case $limit in *:*:*) ;; *) limit=0:$limit ;; esac
    hours=${limit%%:*} limit=${limit#*:}
    hours=${hours#0} limit=${limit%%:*}
    limit=${limit#0}
    limit=$(((days * 24 + ${hours:-0}) * 60 + ${limit:-0}))
    [ "$limit" -le "$allowed" ] || allowed=$limit
  done <<EOF
$(timeout 30 sinfo -h -o '%P %l' ${partition:+-p "$partition"} 2>/dev/null)
EOF
  [ "$allowed" -eq 0 ] || [ "$allowed" -ge "$minutes" ] || minutes=$allowed
}
all= new= fresh=0
for name do
  [ "$count" -gt 0 ] || break
  count=$((count - 1)) all="$all $name"
  [ -d "$name" ] || { printf 'no such folder: %s\n' "$name" >&2; exit 66; }
  ! told "$name" || continue
  if [ -e "$name/launched" ] && read -r first place <"$name/launched"; then
    # Somebody was here before and did not come to write the number down: is it in the queue?
    look_up "$first"
    ! told "$name" || continue
    if [ -n "$number" ]; then
      if [ "$place" = - ]; then id=$number; else id=${number}_$place; fi
      printf '%s\n' "$id" >"$name/slurm_id"
      continue
    fi
    [ ! -e "$name/exit_code" ] || { echo 'it has run, and has no number' >&2; exit 70; }
  fi
  new="$new $name" fresh=$((fresh + 1))
done
for name in $all; do shift; done
if [ "$fresh" -gt 0 ]; then
  first=${new# } first=${first%% *} place=0
  script=$root/runs/$first/slurm-job.sh
  printf '%s' "$batch" >"$script" || exit 73
  for name in $new; do
    printf '#job %s %s\n' "$place" "$name" || exit 73
    place=$((place + 1))
  done >>"$script"
  if [ "$minutes" -gt 0 ]; then
    [ "$partition" = - ] || lower
    set -- "--time=$minutes" "$@"
  fi
  place=-
  [ "$fresh" -eq 1 ] || place=0
  for name in $new; do
    printf '%s %s\n' "$first" "$place" >"$name/launched" || exit 73
    [ "$place" = - ] || place=$((place + 1))
  done
  if [ "$fresh" -eq 1 ]; then set -- "--output=$root/runs/$first/slurm.out" "$@"
  else set -- "--array=0-$((fresh - 1))%$at_once" --output=/dev/null "$@"
  fi
  err=$root/runs/$first/sbatch.err
  number=$(timeout 60 sbatch --parsable "--job-name=$first" "$@" "$script" "$root" 2>"$err") ||
    { code=$?; cat "$err" >&2; exit $code; }
  number=${number%%;*} place=0
  for name in $new; do
    id=$number
    [ "$fresh" -eq 1 ] || id=${number}_$place
    printf '%s\n' "$id" >"$name/slurm_id"
    place=$((place + 1))
  done
fi
for name in $all; do
  told "$name" && printf '%s\n' "$id"
done
"""
"""START ROOT AT_ONCE BATCH MINUTES PARTITION COUNT NAME... SBATCH-ARGS...: prints the number of
each job, a line each, also of those that were submitted before.

Those that were not go together: one as a batch job, several as an array of which AT_ONCE run at
once, under the name of the first.  Before that is done, each job's folder says under which name and
in which place; so whoever comes after a crash finds them in the queue.

MINUTES, 0 for no limit, are lowered to what PARTITION (empty: the cluster's own; -: not known)
allows.
"""

STATE = r"""
id=$1 ws=$2
[ -d "$ws" ] || { echo gone; exit 1; }
over() { [ -e "$ws/exit_code" ] && printf 'COMPLETED %s None\n' "$(cat "$ws/exit_code")"; }
[ -n "$id" ] || id=$(cat "$ws/slurm_id" 2>/dev/null)
if [ -n "$id" ] && said=$(timeout 30 scontrol show job -o "$id" 2>&1); then
  state=${said#*JobState=} reason=${said#*Reason=} code=${said#*ExitCode=}
  state=${state%% *}
  case " $3 " in *" $state "*) alive=1 ;; *) alive= ;; esac
  # What was told to end may have done so a moment before its cluster ended it.
  case $alive$state in 1* | CANCELLED) ! over || exit 1 ;; esac
  printf '%s %s %s\n' "$state" "${code%%[: ]*}" "${reason%% *}"
  [ -n "$alive" ]; exit
fi
case $said in
  *'Invalid job id'*) ;;
  *' not found') # so is one of an array that was cancelled while it waited
    if [ ! -e "$ws/started" ] && ! over >/dev/null; then echo 'CANCELLED 0 None'; exit 1; fi ;;
  *) if [ -n "$id" ] && [ ! -e "$ws/exit_code" ]; then echo UNKNOWN; exit 0; fi ;;
esac
over || echo gone
exit 1
"""
"""STATE NUMBER WORKSPACE ALIVE: state, exit code, reason; exits 0 while it is not over.

A cluster forgets a job minutes after its end: then its files say what became of it.  One that does
not answer is no sign that the job is over.
"""

STOP = r"""
id=$1 ws=$2
[ ! -d "$ws" ] || [ -e "$ws/exit_code" ] || printf '' >"$ws/cancelled"
[ -n "$id" ] || id=$(cat "$ws/slurm_id" 2>/dev/null)
[ -n "$id" ] || exit 0
if [ -e "$ws/started" ] && [ ! -e "$ws/exit_code" ]; then
  # The script ends its own tree on TERM; what is left of it after a while is killed.
  timeout 30 scancel --batch --signal=TERM "$id" 2>/dev/null
  turns=24
  while [ "$turns" -gt 0 ] && [ ! -e "$ws/exit_code" ]; do
    sleep 0.5 2>/dev/null || { sleep 1; turns=$((turns - 1)); }
    turns=$((turns - 1))
  done
fi
said=$(timeout 30 scancel "$id" 2>&1) || case $said in
  *'Invalid job id'*|*already*) ;;
  *) printf '%s\n' "$said" >&2; exit 1 ;;
esac
rm -f "$ws/secrets"
"""
"""STOP NUMBER WORKSPACE: a job that is over is no error."""

REMAINS = r"""
alive() {
  id=$(cat "$1/slurm_id" 2>/dev/null) && [ -n "$id" ] && [ ! -e "$1/exit_code" ] || return 1
  said=$(timeout 30 squeue -h -j "$id" 2>&1) || case $said in *'Invalid job id'*) return 1 ;; esac
  [ -n "$said" ]
}
case $1 in
  alive) alive "$2" ;;
  forget) ! alive "$2" || { echo 'its job is waiting or running' >&2; exit 1; }; rm -rf "$2" ;;
esac
"""
"""REMAINS VERB FOLDER, see Launcher.remains: all that there is lies in the workspace."""

WATCH = r"""
root=$1
cd "$root/runs" || exit 66
open= bases= number=0 turn=0 beat=0
while read -r name ref; do
  open="$open $name" number=$((number + 1))
  case ",$bases," in *",${ref%%_*},"*) ;; *) bases="${bases:+$bases,}${ref%%_*}" ;; esac
done
while [ -n "$open" ]; do
  if [ "$turn" -le 0 ]; then
    turn=10 known=1
    said=$(SLURM_BITSTR_LEN=0 timeout 30 squeue -h -j "$bases" -o '%i %T %r' 2>&1) ||
      case $said in *'Invalid job id'*) said= ;; *) known= ;; esac
    [ -z "$known" ] || printf '@queue\n%s\n@end\n' "$said"
  fi
  still=
  for name in $open; do
    if [ -d "$name" ] && [ ! -e "$name/exit_code" ]; then
      still="$still $name"
      if [ -e "$name/started" ]; then
        [ -e "$name/.told" ] && [ ! "$name/outputs" -nt "$name/.told" ] ||
          { printf '' >"$name/.told" && printf '@made %s\n' "$name"; }
      fi
    else printf '@over %s\n' "$name" number=$((number - 1))
    fi
  done
  open=$still
  pause=$((1 + number / 500)) turn=$((turn - pause)) beat=$((beat - pause))
  if [ "$beat" -le 0 ]; then beat=4; printf . >&2 || exit 0; fi
  [ -z "$open" ] || sleep "$pause"
done
"""
"""WATCH ROOT, and lines NAME NUMBER on standard input: ``@over NAME`` as soon as a job is over,
``@made NAME`` when there is more in its outputs, and every ten seconds between ``@queue`` and
``@end`` what squeue says of them; until all are over.

It starts one program each ten seconds, whatever their number, and a dot on stderr is a beat.
"""
