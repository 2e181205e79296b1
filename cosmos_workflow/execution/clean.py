"""What old jobs have left on a host: one command finds it and, if it may, removes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

CLEAN = r"""
set -u
root=$1 age=$2 dry=$3 away=$4 remains=$5
case $root in /*) ;; *) home=$(cd && pwd) || exit; root=$home/$root ;; esac
[ -d "$root" ] || exit 0
find "$root" -prune -mmin 0 >/dev/null || exit 69
hour=$age
[ "$hour" -ge 60 ] || hour=60

launcher() { sh -c "$remains" sh "$@"; }
young() { [ -n "$(find "$1" -mmin "-$2" 2>/dev/null | head -n 1)" ]; }
kib() { du -sk "$1" 2>/dev/null | cut -f 1; }
over() { # over FOLDER: its job has ended, or was never started, and that is long ago
  least=$age
  [ -e "$1/job.log" ] || least=$hour
  ! young "$1" "$least" && { [ -e "$1/exit_code" ] || ! launcher alive "$1" >/dev/null 2>&1; }
}
gone() { # gone FOLDER JOB: with all that the launcher keeps of it
  size=$(kib "$1") boxes=$(launcher sizes "$1" 2>/dev/null)
  if [ "$dry" = no ] && ! said=$(launcher forget "$1" 2>&1); then
    printf 'stuck %s %s\n' "$2" "$(printf '%s' "$said" | tail -n 1)"
    return 1
  fi
  [ -z "$size" ] || printf 'workspace %s %s\n' "$2" "$((size * 1024))"
  for box in $boxes; do printf 'container %s %s\n' "$2" "$box"; done
}

used=' ' unsure=
for ws in "$root"/runs/rs_*; do
  job=${ws##*/}
  [ -d "$ws" ] && [ ! -L "$ws" ] || continue
  if over "$ws"; then
    case " $away " in
      *" ${job%-*} "*) printf 'away %s\n' "$job" ;;
      *) ! gone "$ws" "$job" || continue ;;
    esac
  fi
  if [ -f "$ws/inputs" ]; then used="$used$(tr '\n' ' ' <"$ws/inputs") "
  else unsure=1; printf 'unsure %s\n' "$job"; fi
done
launcher strays "$root/runs" 2>/dev/null | while IFS= read -r ws; do
  case $ws in "$root"/runs/rs_*) [ -e "$ws" ] || gone "$ws" "${ws##*/}" ;; esac
done

[ "$dry" = yes ] || rm -rf "$root"/inputs/.gone-*
[ -z "$unsure" ] || exit 0
for dir in "$root"/inputs/*; do
  sha=${dir##*/} aside=$root/inputs/.gone-${dir##*/}-$$
  [ "${#sha}" -eq 64 ] && [ -d "$dir" ] && [ ! -L "$dir" ] || continue
  case $used in *" $sha "*) continue ;; esac
  ! young "$dir" "$hour" || continue
  size=$(kib "$dir")
  if [ "$dry" = no ]; then
    mv "$dir" "$aside" || continue
    if young "$aside" "$hour"; then
      [ -e "$dir" ] || mv "$aside" "$dir"
      continue
    fi
    rm -rf "$aside" 2>/dev/null || { printf 'stuck %s cannot be removed\n' "$sha"; continue; }
  fi
  printf 'input %s %s\n' "$sha" "$((${size:-0} * 1024))"
done
exit 0
"""
"""CLEAN ROOT MINUTES DRY(yes|no) AWAY REMAINS: a line for each thing, and its size in bytes.

A workspace goes when its job is over and nothing in it changed for MINUTES, unless its run is one
of AWAY (ids, spaces between).  An input goes when no workspace that stays names it in its file
``inputs``; one workspace without that file keeps them all.  What another client has just looked
up is young, since looking touches its mark: an input, and a workspace without a log, has at least
an hour.  An input is set aside first and looked at again, so that one that was touched in that
very moment comes back.  Exit 69: this host's find cannot tell how old a file is.
"""


@dataclass(frozen=True)
class Left:
    """One thing on the host: of which job, or which sha256, and bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Cleaned:
    """What was removed, or would be.

    Jobs that stay although they are old: ``away``, as their result is not home yet; ``stuck``,
    with the reason, as they (or an input) could not be removed.  ``unsure``: jobs that do not say
    which inputs they use, so that all inputs stay.
    """

    workspaces: tuple[Left, ...] = ()
    containers: tuple[Left, ...] = ()
    inputs: tuple[Left, ...] = ()
    away: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    stuck: tuple[tuple[str, str], ...] = ()


def clean(
    root: str, remains: str, minutes: int, *, dry: bool, away: Collection[str] = ()
) -> Sequence[str]:
    """The command; ``root`` may lie below the home folder, ``remains`` is the launcher's."""
    return [
        "sh", "-c", CLEAN, "sh", root.removeprefix("~/"), str(minutes), "yes" if dry else "no",
        " ".join(sorted(away)), remains,
    ]  # fmt: skip


def read_clean(text: str) -> Cleaned:
    """What the command printed."""
    said: dict[str, list[tuple[str, str]]] = {}
    for line in text.splitlines():
        kind, name, rest = (line + "  ").split(" ", 2)
        said.setdefault(kind, []).append((name, rest.strip()))

    def left(kind: str) -> tuple[Left, ...]:
        return tuple(Left(name, int(size)) for name, size in said.get(kind, []))

    return Cleaned(
        workspaces=left("workspace"),
        containers=left("container"),
        inputs=left("input"),
        away=tuple(name for name, _ in said.get("away", [])),
        unsure=tuple(name for name, _ in said.get("unsure", [])),
        stuck=tuple(said.get("stuck", [])),
    )
