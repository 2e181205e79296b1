"""The small programs that a host runs for us: constant text, everything else is an argument.

All are POSIX sh.  They are passed as ``sh -c SCRIPT sh ARG...``; nothing is ever pasted in.
"""

LOOK = r"""
root=$1 count=$2; shift 2
case $root in /*) ;; *) home=$(cd && pwd) || exit; root=$home/$root ;; esac
there=
while [ "$count" -gt 0 ]; do
  dir=$root/inputs/$1 answer=n
  touch -c "$dir/.ok.$2" 2>/dev/null
  if [ -e "$dir/.ok.$2" ] && [ -f "$dir/$2" ]; then
    [ "$(($(wc -c < "$dir/$2")))" -ne "$3" ] || answer=y
  fi
  there=$there$answer
  shift 3; count=$((count - 1))
done
while [ $# -gt 0 ]; do
  file=$root/$1
  [ -d "${file%/*}" ] || mkdir -p "${file%/*}" || exit 73
  printf %s "$2" >"$file.part" && mv -f "$file.part" "$file" || exit 73
  shift 2
done
printf '%s\n%s\n' "$there" "$root"
"""
"""LOOK ROOT COUNT (SHA NAME SIZE)... (PATH TEXT)...

A line with y or n for each input: is it there whole, and checked?  Then the root as an absolute
path; a relative one is below the home folder.  An input's mark is touched before it is looked at:
``cosmos clean`` removes nothing that was wanted within the hour.  The texts are files to be written
below the root: a job's own, which are small.  Exit 73: no room or no permission for one.
"""

_VERIFY = r"""
sum() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi; }
verify() {
  dir=$root/inputs/$1
  touch -c "$dir/.ok.$2" 2>/dev/null
  [ -e "$dir/.ok.$2" ] && [ -f "$dir/$2" ] && return
  got=$({ sum < "$dir/$2"; } 2>/dev/null | cut -d ' ' -f 1)
  if [ "$got" != "$1" ]; then
    rm -f "$dir/$2" "$dir/.ok.$2"
    printf '%s\n' "$2" >&2
    exit 65
  fi
  chmod a-w "$dir/$2" 2>/dev/null
  : > "$dir/.ok.$2" || exit 73
}
"""
"""``verify SHA NAME``: an input that was not checked before is what its name says, or exit 65."""

SHARED = (
    r"""
set -u
root=$1; shift
"""
    + _VERIFY
    + r"""
while [ $# -gt 0 ]; do verify "$1" "$2"; shift 2; done
"""
)
"""SHARED ROOT (SHA NAME)...

Checks inputs that a server on the host reads by their path.  Exit codes as of SUBMIT.
"""

SUBMIT = (
    r"""
set -u
root=$1 ws=$2 count=$3; shift 3
"""
    + _VERIFY
    + r"""
[ -f "$ws/run-job.sh" ] || { echo run-job.sh >&2; exit 65; }
: > "$ws/inputs" || exit 73
while [ "$count" -gt 0 ]; do
  printf '%s\n' "$1" >> "$ws/inputs" || exit 73
  verify "$1" "$2"
  shift 2; count=$((count - 1))
done
secrets=$1 by=$2; shift 2
mkdir -p "$ws/outputs" || exit 73
if [ "$secrets" -gt 0 ] && [ "$by" = file ] && [ ! -e "$ws/launched" ]; then
  (umask 077 && cat > "$ws/secrets") || exit 73
elif [ "$secrets" -gt 0 ] && [ "$by" = pipe ] && [ ! -e "$ws/job.log" ]; then
  [ -p "$ws/secrets" ] || mkfifo -m 600 "$ws/secrets" || exit 73
fi
"$@" || exit $?
if [ -p "$ws/secrets" ] && [ ! -e "$ws/exit_code" ]; then
  timeout 60 sh -c 'exec cat > "$1"' sh "$ws/secrets" || exit 74
fi
"""
)
"""SUBMIT ROOT WORKSPACE COUNT (SHA NAME)... SECRETS BY START...

Checks inputs that were not checked before against their name, notes in the workspace which they
are, makes the pipe for SECRETS lines, starts the job, and passes standard input on into the pipe.
BY ``file`` they are written before the start, for a job that may wait.
Exit 65: a file is not there, or not what its name says (its name is on stderr; a wrong input was
removed).  73: no room or no permission.  74: the job never read its secrets.  Any other: the
launcher's own.
"""

UNPACK = r"""
mkdir -p "$1" && cd "$1" || exit 73
exec tar -xzof -
"""
"""UNPACK ROOT: the archive on standard input; nothing begins before all of it is there."""

SUBMIT_ALL = r"""
set -u
root=$1 secrets=$2 count=$3; shift 3
[ "$secrets" -eq 0 ] || kept=$(cat)
usual=$(umask)
umask 077
left=$count
for name do
  [ "$left" -gt 0 ] || break
  left=$((left - 1)) ws=$root/runs/$name
  [ -f "$ws/run-job.sh" ] || { echo run-job.sh >&2; exit 65; }
  if [ "$secrets" -gt 0 ] && [ ! -e "$ws/launched" ]; then
    printf '%s\n' "$kept" >"$ws/secrets" || exit 73
  fi
done
umask "$usual"
for name do
  [ "$count" -gt 0 ] || break
  count=$((count - 1)); shift
done
"$@"
"""
"""SUBMIT_ALL ROOT SECRETS COUNT JOB... START...

The same for many jobs, whose inputs were checked and are noted already: the lines of SECRETS go
into a file for each, then all are started.  Exit codes as of SUBMIT.
"""

_TOLD = r"""
sum() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi; }
when() { # when FILE: its last change, seconds since the epoch; 0 where it is not there
  date -r "$1" +%s.%N 2>/dev/null || stat -c %Y "$1" 2>/dev/null || stat -f %m "$1" 2>/dev/null ||
    echo 0
}
tell_times() { printf '@times %s %s\n' "$(when started)" "$(when exit_code)" >&2; }
facts() { printf '%s %s\n' "$(($(wc -c < "$1")))" "$(when "$1")"; } # facts FILE: size, last change
case $(stat -c %.9Y . 2>/dev/null) in
  *[!0-9.]* | '') ;;
  *.*) facts() { stat -c '%s %.9Y' "$1"; } ;; # one program, and not three
esac
tell_file() {
  sha=$(sum < "$1")
  printf '@file %s %s %s\n' "${sha%% *}" "$(facts "$1")" "$1" >&2
}
"""
"""What is said of a job and its files, in its workspace, a line each on stderr."""

SO_FAR = (
    _TOLD
    + r"""
cd "$1" 2>/dev/null || exit 0
shift
tell_times
find outputs -type f 2>/dev/null | while IFS= read -r file; do
  for pattern in "$@"; do
    # shellcheck disable=SC2254 # it is a pattern
    case $file in $pattern) tell_file "$file"; break ;; esac
  done
done
"""
)
"""SO_FAR WORKSPACE PATTERN...: when the job began, and its files that fit, while it goes on."""

FOLLOW = (
    _TOLD
    + r"""
ws=$1 off=$2; shift 2
beat=0 pause=0.05 calm=0 dead= last= unseen=0 step=5
cd "$ws" 2>/dev/null || { "$@" >/dev/null 2>&1; printf '\n@gone\n@end\n' >&2; exit 0; }
more() { # what is new of the log; its size is asked for only if it was written to since
  [ "$unseen" -gt 0 ] && [ .looked -nt job.log ] && return 1
  unseen=100
  { true > .looked; } 2>/dev/null
  size=$(($(wc -c < job.log 2>/dev/null || echo 0)))
  [ "$size" -gt "$off" ] || return 1
  tail -c +$((off + 1)) job.log | head -c $((size - off))
  off=$size
}
while :; do
  over=$dead
  [ -e exit_code ] && over=1
  [ -z "$over" ] || unseen=0
  if more; then calm=0 pause=0.1 step=10; else calm=$((calm + 1)); fi
  [ -n "$over" ] && break
  [ "$calm" -gt 20 ] && pause=0.25 step=25
  [ "$calm" -gt 180 ] && pause=1 step=100
  sleep "$pause"
  beat=$((beat - step)) unseen=$((unseen - step))
  if [ "$beat" -le 0 ]; then
    printf . >&2 || exit 0
    beat=400
    said=$("$@" 2>/dev/null) || { sleep 0.5; dead=1; }
    [ "$said" = "$last" ] || printf '\n@now %s\n' "$said" >&2
    last=$said
  fi
done
printf '\n@over\n' >&2
state=$("$@" 2>/dev/null | tr '\n' ' ')
printf '\n@state %s\n' "$state" >&2
[ -e exit_code ] && printf '@exit %s\n' "$(cat exit_code)" >&2
for mark in timed_out cancelled stopped; do [ -e "$mark" ] && printf '@mark %s\n' "$mark" >&2; done
tell_times
(while sleep 4 >/dev/null 2>&1; do printf . >&2 || exit; done) &
beats=$!
find outputs -type f 2>/dev/null | while IFS= read -r file; do tell_file "$file"; done
kill "$beats"
printf '@end\n' >&2
"""
)
"""FOLLOW WORKSPACE OFFSET STATE...

The log from a byte offset on stdout until the job is over; a dot on stderr every few seconds, so
that a silent line is a dead line; ``@over`` as soon as it is; then what became of it and its files,
closed by ``@end``: a trailer without it was cut off.  It starts few programs, and never asks
for the time: all jobs of a host are followed at once.  Whether the log has grown it sees from a
stamp of its own, ``.looked``; once a second it asks all the same, for clocks that differ.
"""
