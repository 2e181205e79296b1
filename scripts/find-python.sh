#!/bin/sh
# Prints the first Python of 3.11 or newer that runs and can make virtual environments.
# On Debian, as root, the missing part is installed; elsewhere it is named.
set -eu
fits='import sys; sys.exit(sys.version_info < (3, 11))'
makes='import ensurepip, venv'

found=
for name in python3 python3.13 python3.12 python3.11 python; do
  python=$(command -v "$name") || continue
  # A name may be there without a program behind it, so each is tried.
  "$python" -c "$fits" 2>/dev/null || continue
  found=${found:-$python}
  if "$python" -c "$makes" 2>/dev/null; then
    printf '%s\n' "$python"
    exit 0
  fi
done

if [ -z "$found" ]; then
  echo 'error: Python 3.11 or newer is needed, and there is none on PATH' >&2
  echo 'hint: say where it is: make PYTHON=/path/to/python demo' >&2
  exit 1
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing python3-venv, which $found needs for a virtual environment" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >&2
  if "$found" -c "$makes" 2>/dev/null; then
    printf '%s\n' "$found"
    exit 0
  fi
fi
echo "error: $found cannot make virtual environments" >&2
echo 'hint: install its venv part (Debian, Ubuntu: sudo apt install python3-venv)' >&2
exit 1
