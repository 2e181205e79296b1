#!/bin/sh
# Runs one job on its host and leaves its log and its exit code as files.
#
#   sh run-job.sh WORKSPACE LIMIT_S SECRETS -- ARGV...
#
# WORKSPACE  the job's folder: job.log, exit_code, and one of the marks timed_out and stopped
# LIMIT_S    seconds after which the whole process tree is ended; 0 for no limit
# SECRETS    how many lines NAME=BASE64 to read from the pipe WORKSPACE/secrets; their values are
#            in the job's environment and nowhere else: what the job says goes through a filter
#            that turns them into asterisks, as many as they have bytes
#
# COSMOS_ATTEMPT, where a cluster may start the job again: its number, which lies in
#            WORKSPACE/attempt.  When another one lies there, this attempt runs on a node that was
#            given up while it lived on: it is ended, and leaves nothing.
#
# The working directory is kept.  Exit codes are the job's own, or 124 past the limit, 143 stopped
# from outside, 125 never started (the log says why).
ws=$1 limit=$2 secrets=$3
shift 4
log=$ws/job.log
grace=8 # seconds from TERM to KILL: less than the 10 that docker stop allows by default
child='' watchdog='' fence='' why='' hider='' names=''

ours() { # the workspace was not given to a later attempt
  [ -n "${COSMOS_ATTEMPT:-}" ] || return 0
  [ -e "$ws/attempt" ] || return 0 # there was but one
  IFS= read -r attempt <"$ws/attempt"
  [ "$attempt" = "$COSMOS_ATTEMPT" ]
}

record() { # record CODE: nobody ever sees half an exit code
  printf '%s\n' "$1" >"$ws/exit_code.part" && mv -f "$ws/exit_code.part" "$ws/exit_code"
} 2>/dev/null

mark() { # mark NAME: why it is ended
  ! ours || printf '' >"$ws/$1"
}

finish() { # finish CODE: also on a full disk, for which a little room is kept in reserve
  [ -z "$watchdog" ] || kill "$watchdog" 2>/dev/null
  [ -z "$fence" ] || kill "$fence" 2>/dev/null
  ours || exit 143
  if [ -n "$hider" ]; then
    # All that was said comes first; what a left-over process may still say is not waited for.
    after 5 kill -KILL "$hider"
    wait "$hider" || wait "$hider"
    kill "$watchdog" 2>/dev/null
    rm -f "$ws/said"
  fi
  record "$1" || {
    rm -f "$ws/reserve"
    record "$1"
    printf '\nrun-job: the disk of the host is full\n' >>"$log"
  } 2>/dev/null
  rm -f "$ws/reserve"
  [ ! -f "$ws/secrets" ] || rm -f "$ws/secrets"
  exit "$1"
}

stop() { # ended from outside: a cluster that has set us aside for others starts us again
  if [ -n "${COSMOS_ATTEMPT:-}" ] && [ ! -e "$ws/cancelled" ]; then exit 143; fi
  finish 143
}

refuse() {
  printf 'run-job: %s\n' "$1" >>"$log"
  finish 125
}

after() { # after SECONDS COMMAND...: later, in the background; it never outlives us by long
  (
    trap - TERM INT
    left=$1
    shift
    while [ "$left" -gt 0 ]; do
      sleep 1
      kill -0 "$$" || exit 0
      left=$((left - 1))
    done
    "$@"
  ) >/dev/null 2>&1 </dev/null &
  watchdog=$!
}

fence() { # looks every two seconds whether the workspace is another attempt's
  (
    trap - TERM INT
    while ours; do
      sleep 2
      kill -0 "$$" || exit 0
    done
    kill -USR2 "$$"
  ) >/dev/null 2>&1 </dev/null &
  fence=$!
}

# -- secrets -----------------------------------------------------------------------------------

no_secrets() { printf '!\n' >"$ws/secrets"; } # ! is in no base64 and in no name

decode() {
  if command -v base64 >/dev/null 2>&1; then
    base64 -d
  else
    python3 -c 'import base64, sys
sys.stdout.buffer.write(base64.b64decode(sys.stdin.buffer.read()))'
  fi
}

take() { # take NAME=BASE64: the X keeps newlines at the end of a value
  name=${1%%=*}
  case $name in '' | [0-9]* | *[!A-Za-z0-9_]*) refuse 'a secret has a name that is no variable' ;; esac
  value=$(printf '%s' "${1#*=}" | decode 2>/dev/null && printf X) ||
    refuse "secret $name did not arrive whole"
  export "$name=${value%X}"
  names="$names $name" value=''
}

read_secrets() { # a pipe is opened for both ways: opening waits for nobody, and nothing is lost
  if [ -f "$ws/secrets" ]; then # it stays as long as the job: it may have to start again
    exec 3<"$ws/secrets"
  else
    [ -p "$ws/secrets" ] || refuse 'there is no pipe to read secrets from'
    exec 3<>"$ws/secrets"
    after "${COSMOS_SECRETS_WAIT:-60}" no_secrets
  fi
  while [ "$secrets" -gt 0 ]; do
    IFS= read -r line <&3 || refuse 'the pipe of secrets broke'
    case $line in
      *'!'*) refuse 'the secrets never came: the client went away between start and hand-over' ;;
    esac
    take "$line"
    secrets=$((secrets - 1))
  done
  line=''
  exec 3<&-
  [ -z "$watchdog" ] || kill "$watchdog" 2>/dev/null
  watchdog=''
  [ ! -p "$ws/secrets" ] || rm -f "$ws/secrets"
}

# -- what the job says, without its secrets ----------------------------------------------------

HIDE_PYTHON='import os, sys
found = {os.environb[os.fsencode(name)] for name in sys.argv[1:]} - {b""}
values = [(value, b"*" * len(value)) for value in sorted(found, key=len, reverse=True)]
for line in sys.stdin.buffer:
    for value, stars in values:
        line = line.replace(value, stars)
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()'

HIDE_AWK='BEGIN {
  for (i = 1; i < ARGC; i++) { value[i] = ENVIRON[ARGV[i]]; ARGV[i] = "" }
  for (i = 1; i < ARGC; i++) # the longest first: one may be a part of another
    for (k = i + 1; k < ARGC; k++)
      if (length(value[k]) > length(value[i])) { t = value[i]; value[i] = value[k]; value[k] = t }
  for (i = 1; i < ARGC; i++) { stars[i] = value[i]; gsub(/./, "*", stars[i]) }
  n = ARGC
}
{
  line = $0
  for (i = 1; i < n && value[i] != ""; i++) {
    done = ""
    while (at = index(line, value[i])) {
      done = done substr(line, 1, at - 1) stars[i]
      line = substr(line, at + length(value[i]))
    }
    line = done line
  }
  print line
  fflush()
}'

hide() { # hide PROGRAM NAME...: becomes the filter, in a subshell; values come by environment
  trap '' TERM INT USR1 USR2
  program=$1
  shift
  case $program in
    python3) exec python3 -I -S -c "$HIDE_PYTHON" "$@" ;;
    awk) LC_ALL=C exec awk "$HIDE_AWK" "$@" ;;
  esac
}

start_hiding() {
  for program in python3 awk; do
    # shellcheck disable=SC2086 # a list of names
    [ -z "$(echo works | hide "$program" $names 2>/dev/null)" ] || break
    program=''
  done
  [ -n "$program" ] || refuse 'neither python3 nor awk is here, to keep secrets out of the log'
  rm -f "$ws/said"
  mkfifo -m 600 "$ws/said" || refuse 'no pipe can be made here, to keep secrets out of the log'
  # shellcheck disable=SC2086
  hide "$program" $names <"$ws/said" >>"$log" 2>/dev/null &
  hider=$!
}

# -- the process tree --------------------------------------------------------------------------

processes() { # lines PID PARENT of all that live; from /proc, for images without ps
  if [ -r /proc/self/stat ]; then
    for stat in /proc/[0-9]*/stat; do
      IFS= read -r line 2>/dev/null <"$stat" || continue
      fields=${line##*') '} # a program's name may hold spaces and brackets
      case $fields in Z* | X*) continue ;; esac
      fields=${fields#* }
      printf '%s %s\n' "${line%% *}" "${fields%% *}"
    done 2>/dev/null
  else
    ps -A -o pid=,ppid=,stat= | while read -r pid parent stat; do
      case $stat in Z*) ;; *) printf '%s %s\n' "$pid" "$parent" ;; esac
    done
  fi
}

tree() { # tree PID...: those of PID... that live, and their descendants
  known=" $* " table=$(processes) grown=1 alive=''
  while [ -n "$grown" ]; do
    grown=''
    while read -r pid parent; do
      case $known in *" $pid "*) continue ;; esac
      case $known in *" $parent "*) known="$known$pid " grown=1 ;; esac
    done <<END
$table
END
  done
  while read -r pid parent; do
    case $known in *" $pid "*) alive="$alive $pid" ;; esac
  done <<END
$table
END
  printf '%s' "$alive"
}

end_tree() {
  all=$(tree "$child")
  [ -n "$all" ] || return 0
  # shellcheck disable=SC2086 # a list of numbers
  kill -TERM $all 2>/dev/null
  ours || grace=0 # what it would still write is in another's way
  pause=0.2 last=$(($(date +%s) + grace)) # by the clock: on a busy host a look takes its time
  sleep "$pause" 2>/dev/null || pause=1
  while [ "$(date +%s)" -lt "$last" ]; do
    # shellcheck disable=SC2086
    all=$(tree $all)
    [ -n "$all" ] || return 0
    sleep "$pause"
  done
  # shellcheck disable=SC2086
  kill -KILL $all 2>/dev/null
}

# -- the job -----------------------------------------------------------------------------------

# The log is made first: who asks for it may find it empty, not missing.
ours || exit 143
printf '' >>"$log" || exit 125
mkdir "$ws/started" 2>/dev/null || {
  echo 'run-job: this job was started before; it is not run twice' >&2
  exit 125
}
trap '' HUP
printf '%16384s' '' >"$ws/reserve" 2>/dev/null
trap 'mark stopped; stop' TERM INT
if [ -e "$ws/cancelled" ]; then finish 143; fi
out=$log
if [ "$secrets" -gt 0 ]; then
  read_secrets
  start_hiding
  out=$ws/said
fi

trap 'why=${why:-stopped}' TERM INT
trap 'why=${why:-timed_out}' USR1
trap 'why=${why:-superseded}' USR2
export PYTHONUNBUFFERED=1
"$@" >>"$out" 2>&1 </dev/null &
child=$!
[ "$limit" -eq 0 ] || after "$limit" kill -USR1 "$$"
[ -z "${COSMOS_ATTEMPT:-}" ] || fence

while :; do
  wait "$child"
  code=$?
  if [ -n "$why" ]; then
    mark "$why"
    end_tree
    wait "$child" 2>/dev/null
    if [ "$why" = timed_out ]; then finish 124; fi
    stop
  fi
  if [ "$code" -gt 128 ]; then
    # wait may only have been interrupted: the job is over when it is gone.
    [ -z "$(tree "$child")" ] || continue
    # Who ends all that we have started signals one process after the other: it may be our turn.
    sleep 0.5 2>/dev/null || sleep 1
    [ -z "$why" ] || continue
  fi
  finish "$code"
done
