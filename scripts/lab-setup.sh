#!/bin/sh
# What the lab tests need, installed where that is possible: on Debian, as root.
# Elsewhere the tests say which of them were skipped, and why.
set -eu
packages="slurm-wlm munge openssh-server rsync ffmpeg docker.io busybox-static iproute2 procps"
missing=
for program in slurmctld slurmd munged sshd ssh-agent rsync ffmpeg dockerd docker busybox ip pgrep; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing for the lab tests (missing:$missing)"
  apt-get update -qq
  # In newer releases the client is a package of its own.
  if apt-cache show docker-cli >/dev/null 2>&1; then packages="$packages docker-cli"; fi
  # The packages' own services are not wanted: the tests start, and end, their own servers.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
  fi
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
  echo "some lab tests will be skipped; they need:$missing (on Debian: apt-get install $packages)"
fi
