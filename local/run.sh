#!/bin/sh
# The project's usual spelling: local/run.sh [container] is ./run local [container].
exec "$(dirname -- "$0")/../run" local "$@"
