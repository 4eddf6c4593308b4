#!/bin/sh
# The demo, which `make demo` runs: learn what "the same character" means, then decide.
set -eu
cd "$(dirname "$0")/.."

.venv/bin/likewise train characters --budget 90s --out demo/model --overwrite
