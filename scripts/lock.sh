#!/usr/bin/env bash
# Writes the hashed locks requirements/*.txt from pyproject.toml and requirements/embedded-db.in: `make lock`.
# Versions already in a lock are kept where they still fit; `scripts/lock.sh --upgrade` takes the newest.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=.kefu/lock-tools
[ -x "$tools/bin/uv" ] || { "${PYTHON:-.venv/bin/python}" -m venv "$tools" && "$tools/bin/pip" install --quiet uv==0.13.9; }

export UV_CUSTOM_COMPILE_COMMAND="make lock"
compile() {
  "$tools/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --quiet "$@"
}
compile pyproject.toml -o requirements/runtime.txt "$@"
compile pyproject.toml --group dev --constraint requirements/runtime.txt -o requirements/dev.txt "$@"
compile requirements/embedded-db.in -o requirements/embedded-db.txt "$@"
