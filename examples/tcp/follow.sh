#!/bin/sh
# Follows a room with nc: one event per line. Without -N, nc keeps its half open, and so hears on.
# Usage: follow.sh ROOM [CURSOR]
set -eu
room=$1
start=${2:+',"cursor":"'$2'"'}
printf '{"op":"open","room":"%s"%s}\n' "$room" "$start" | nc "${HOLDLINE_TCP_HOST:-127.0.0.1}" "${HOLDLINE_TCP_PORT:-8788}"
