#!/bin/sh
# Publishes each line of its input, which is JSON, to a room, and prints what becomes of it. With -N, nc sends its end
# when it has sent all; Holdline answers all, and ends.
# Usage: tail -f log.json | send.sh ROOM
set -eu
{
  printf '{"op":"open","room":"%s"}\n' "$1"
  while IFS= read -r data; do printf '{"op":"publish","echo":false,"data":%s}\n' "$data"; done
} | nc -N "${HOLDLINE_TCP_HOST:-127.0.0.1}" "${HOLDLINE_TCP_PORT:-8788}"
