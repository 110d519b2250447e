#!/usr/bin/env bash
# Decides which images compose and the tests use, builds what cannot be had, and writes .kefu/images.env.
#
#   scripts/stand-in-images.sh               official images where they can be had, stand-ins for the rest
#   scripts/stand-in-images.sh --stand-ins   stand-ins whatever can be had
#   scripts/stand-in-images.sh --rebuild     build the stand-ins anew (Debian's security updates)
#
# A machine that reaches an image registry needs nothing of this: `docker compose up` is enough. Where no
# registry answers, images of the same behaviour are built from Debian packages, under names of their own
# (kefu-standin/...), never under an official one. They need root, debootstrap and Debian's package mirror;
# the Python packages come through the host's own pip settings into .kefu/wheels, so that building the
# services' images needs no network at all. Nothing is rebuilt while its inputs are unchanged.
#
# Read the result with: docker compose --env-file .kefu/images.env up --build
# A variable that is already set (RABBITMQ_IMAGE=registry.example/rabbitmq:4 ...) is kept as it is.
#
# Exit codes: 0 .kefu/images.env is written, 1 something is missing (the message says what).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
state=${KEFU_HOME:-$root/.kefu}
recipes=$root/deploy/images
log=$state/log/images.log
# Smallest image there is: a pull that works proves that the engine reaches a registry (or a mirror of one).
probe_image=${KEFU_PROBE_IMAGE:-hello-world:latest}
mirror=${KEFU_DEBIAN_MIRROR:-http://deb.debian.org/debian}
security_mirror=${KEFU_DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
release=bookworm

debian_image=kefu-standin/debian:bookworm
python_stand_in=kefu-standin/python:3.11
rabbitmq_stand_in=kefu-standin/rabbitmq:3.10
mongo_stand_in=kefu-standin/mongo:secantus-0.7.0b3
prometheus_stand_in=kefu-standin/prometheus:2.42

force_stand_ins=no
rebuild=no
for argument in "$@"; do
  case $argument in
    --stand-ins) force_stand_ins=yes ;;
    --rebuild) rebuild=yes ;;
    -h | --help)
      sed -n '2,/^set -euo/{/^#/s/^# \{0,1\}//p;}' "$0"
      exit 0
      ;;
    *)
      printf 'images: unknown argument %s (see --help)\n' "$argument" >&2
      exit 2
      ;;
  esac
done

say() { printf '%s\n' "$*"; }
give_up() {
  printf 'images: %s\n' "$*" >&2
  exit 1
}
# Runs one long step quietly and says how long it took; on failure the end of its output is shown.
step() {
  local title=$1 begun=$SECONDS
  shift
  if ! "$@" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    give_up "$title failed; its last lines are above, the rest in $log"
  fi
  say "images: $title ($((SECONDS - begun)) s)"
}

present() { docker image inspect "$1" >/dev/null 2>&1; }
# The name docker-compose.yml falls back to for a variable: the one place where official images are named.
official() { sed -n "s/.*\${$1:-\([^}]*\)}.*/\1/p" "$root/docker-compose.yml" | head -n 1; }

registry_state=
registry_answers() {
  if [ -z "$registry_state" ]; then
    registry_state=no
    if [ "$force_stand_ins" = no ]; then
      local had=no limit=()
      ! present "$probe_image" || had=yes
      # A local copy proves nothing, and a network that swallows packets must not hold anyone up.
      ! command -v timeout >/dev/null || limit=(timeout "${KEFU_PROBE_SECONDS:-15}")
      if ${limit[@]+"${limit[@]}"} docker pull --quiet "$probe_image" >>"$log" 2>&1; then
        registry_state=yes
        [ "$had" = yes ] || docker image rm "$probe_image" >/dev/null 2>&1 || true
      fi
    fi
  fi
  [ "$registry_state" = yes ]
}

# Sets VARIABLE to the image to use: what the caller set, the official one where it can be had, or nothing.
choose() {
  local variable=$1 name
  [ -z "${!variable:-}" ] || return 0
  name=$(official "$variable")
  [ -n "$name" ] || give_up "docker-compose.yml names no default for $variable"
  if [ "$force_stand_ins" = yes ] || ! { present "$name" || registry_answers; }; then
    name=
  fi
  printf -v "$variable" '%s' "$name"
}

digest() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
label_of() { docker image inspect --format '{{index .Config.Labels "kefu.inputs"}}' "$1" 2>/dev/null || true; }

make_debian() {
  local target=$1
  debootstrap --variant=minbase --include=ca-certificates "$release" "$target" "$mirror" || return 1
  rm -rf "$target"/var/cache/apt/archives/*.deb "$target"/var/lib/apt/lists/*
  printf 'deb %s %s main\n' "$mirror" "$release" "$mirror" "$release-updates" \
    "$security_mirror" "$release-security" >"$target/etc/apt/sources.list"
  tar -C "$target" -c . | docker import --change "LABEL kefu.inputs=$debian_inputs" - "$debian_image"
}

ensure_debian() {
  debian_inputs=$(printf '%s\n' "$release minbase 1" | sha256sum | cut -d ' ' -f 1)
  if [ "$rebuild" = no ] && [ "$(label_of "$debian_image")" = "$debian_inputs" ]; then
    return
  fi
  if ! command -v debootstrap >/dev/null; then
    { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } ||
      give_up "no image registry answers, and building stand-ins needs root on Debian or Ubuntu with debootstrap.
  Connect the engine to a registry, or run: sudo scripts/stand-in-images.sh"
    step "installing debootstrap" env DEBIAN_FRONTEND=noninteractive sh -c \
      'apt-get -q update; apt-get -qy install --no-install-recommends debootstrap'
  fi
  [ "$(id -u)" = 0 ] || give_up "building the Debian base needs root; run: sudo scripts/stand-in-images.sh"
  say "images: building the Debian base (about 40 s)"
  step "built $debian_image" make_debian "$work/debian"
  rm -rf --one-file-system "$work/debian"
}

# build_stand_in NAME IMAGE PARENT_ARGUMENT PARENT_IMAGE [LOCK]: one recipe, on its parent, with the packages
# of LOCK beside it in wheels/.
build_stand_in() {
  local name=$1 image=$2 argument=$3 parent=$4 lock=${5:-} inputs context=$work/$1
  inputs=$({ label_of "$parent" && cat "$recipes/$name"/* ${lock:+"$lock"}; } | sha256sum | cut -d ' ' -f 1)
  if [ "$rebuild" = no ] && [ "$(label_of "$image")" = "$inputs" ]; then
    return
  fi
  mkdir "$context"
  cp "$recipes/$name"/* "$context/"
  if [ -n "$lock" ]; then
    collect_wheels "$lock" "$state/$name-wheels"
    cp -r "$state/$name-wheels" "$context/wheels"
  fi
  say "images: building $image"
  local options=()
  [ "$rebuild" = no ] || options+=(--no-cache)
  # The legacy builder is what an engine without the buildx plugin has; newer ones go their own way.
  step "built $image" docker build ${options[@]+"${options[@]}"} --build-arg "$argument=$parent" \
    --label "kefu.inputs=$inputs" --tag "$image" "$context"
}

host_python() {
  local candidate
  for candidate in "${KEFU_PYTHON:-}" "$root/.venv/bin/python" python3.11 python3; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys, pip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      printf '%s' "$candidate"
      return
    fi
  done
  give_up "collecting Python packages needs Python 3.11 with pip on this machine (make setup gives one)"
}

# collect_wheels LOCK FOLDER: every package of LOCK as a wheel, by the host's own pip and its settings.
# pip checks the hashes here, so that the image can install what lies in the folder without asking again.
collect_wheels() {
  local lock=$1 folder=$2 stamp python
  stamp=$state/stamps/$(basename "$folder")
  if [ -d "$folder" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(digest "$lock")" ]; then
    return
  fi
  python=$(host_python)
  rm -rf "$folder" "$folder.new" "$stamp"
  mkdir -p "$(dirname "$stamp")"
  step "collected the packages of ${lock#"$root/"}" \
    "$python" -m pip wheel --quiet --require-hashes --requirement "$lock" --wheel-dir "$folder.new"
  mv "$folder.new" "$folder"
  digest "$lock" >"$stamp"
}

mkdir -p "$state/log"
: >"$log"
docker version >/dev/null 2>&1 || give_up "no Docker engine answers; run scripts/engine.sh first"
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
if command -v flock >/dev/null; then
  exec 9>"$state/images.lock"
  flock -w 1800 9 || give_up "another scripts/stand-in-images.sh has been running for half an hour"
fi

for variable in PYTHON_BASE_IMAGE RABBITMQ_IMAGE MONGO_IMAGE PROMETHEUS_IMAGE GRAFANA_IMAGE; do
  choose "$variable"
done

if [ -z "$PYTHON_BASE_IMAGE" ] || [ -z "$RABBITMQ_IMAGE" ] || [ -z "$MONGO_IMAGE" ] || [ -z "$PROMETHEUS_IMAGE" ]; then
  ensure_debian
fi
if [ -z "$RABBITMQ_IMAGE" ]; then
  RABBITMQ_IMAGE=$rabbitmq_stand_in
  build_stand_in rabbitmq "$RABBITMQ_IMAGE" DEBIAN_IMAGE "$debian_image"
fi
if [ -z "$PROMETHEUS_IMAGE" ]; then
  PROMETHEUS_IMAGE=$prometheus_stand_in
  build_stand_in prometheus "$PROMETHEUS_IMAGE" DEBIAN_IMAGE "$debian_image"
fi
if [ -z "$PYTHON_BASE_IMAGE" ] || [ -z "$MONGO_IMAGE" ]; then
  build_stand_in python "$python_stand_in" DEBIAN_IMAGE "$debian_image"
fi
if [ -z "$MONGO_IMAGE" ]; then
  MONGO_IMAGE=$mongo_stand_in
  build_stand_in mongo "$MONGO_IMAGE" PYTHON_IMAGE "$python_stand_in" \
    "$root/requirements/embedded-db.txt"
fi
if [ -z "$PYTHON_BASE_IMAGE" ]; then
  PYTHON_BASE_IMAGE=$python_stand_in
  collect_wheels "$root/requirements/runtime.txt" "$root/.kefu/wheels"
elif [ "$PYTHON_BASE_IMAGE" != "$python_stand_in" ]; then
  # With another base the services' images fetch their packages themselves.
  rm -rf "$root/.kefu/wheels"
fi

cat >"$state/images.env.new" <<END
# Written by scripts/stand-in-images.sh; read by compose (--env-file) and by the container tests.
PYTHON_BASE_IMAGE=$PYTHON_BASE_IMAGE
RABBITMQ_IMAGE=$RABBITMQ_IMAGE
MONGO_IMAGE=$MONGO_IMAGE
PROMETHEUS_IMAGE=$PROMETHEUS_IMAGE
GRAFANA_IMAGE=$GRAFANA_IMAGE
# Grafana has no stand-in: where its image cannot be had, compose starts none of it.
GRAFANA_REPLICAS=$([ -n "$GRAFANA_IMAGE" ] && echo 1 || echo 0)
GRAFANA_PULL_POLICY=$([ -n "$GRAFANA_IMAGE" ] && echo missing || echo never)
END
mv "$state/images.env.new" "$state/images.env"
say "images: ${state#"$root/"}/images.env names"
for variable in PYTHON_BASE_IMAGE RABBITMQ_IMAGE MONGO_IMAGE PROMETHEUS_IMAGE GRAFANA_IMAGE; do
  say "  $variable=${!variable:-(not to be had)}"
done
