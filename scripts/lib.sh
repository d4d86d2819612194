# shellcheck shell=bash
# Shared by every script here: where things are, how progress and errors look.
set -euo pipefail
exec </dev/null
export LC_ALL=C.UTF-8 DOCKER_CLI_HINTS=false

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK="$ROOT/target/sandbox" # everything generated lives here
# shellcheck disable=SC2034 # for the scripts that source this
VENV="$WORK/venv"           # act and the checkers
LOGS="$WORK/log"            # one log per step

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

# die WHAT NEXT: what went wrong, and what to do about it.
die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  next: %s\n' "$2" >&2
  exit 1
}

# usage TEXT: the caller typed something wrong.
usage() {
  printf 'usage: %s\n' "$1" >&2
  exit 2
}

# The Makefile sets SANDBOX_COMMAND to what the user typed, `make demo` say.
need_root() {
  [ "$(id -u)" -ne 0 ] || return 0
  local command=${SANDBOX_COMMAND:-"scripts/$(basename "$0")${*:+ $*}"}
  printf 'error: this needs root: it installs packages and runs a Docker engine\n' >&2
  printf '  next: sudo %s\n' "$command" >&2
  exit 2
}

# Under sudo, what we wrote under target/ belongs to the person who called.
give_back() {
  [ -n "${SUDO_UID:-}" ] || return 0
  chown "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$ROOT/target"
  chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$WORK"
}

# One script at a time may change the sandbox; the ones it calls share its lock.
take_lock() {
  [ -z "${SANDBOX_LOCKED:-}" ] || return 0
  mkdir -p "$WORK"
  exec 9>"$WORK/lock"
  local waited=0
  until flock -w 8 9; do
    waited=$((waited + 8))
    say "  ... another script is changing the sandbox, waited ${waited}s"
    [ "$waited" -lt 900 ] || die "the sandbox is locked for 15 minutes" "find the script that holds target/sandbox/lock: fuser -v target/sandbox/lock"
  done
  export SANDBOX_LOCKED=1
}

# retry TIMES DELAY COMMAND...: the same command again, with a growing pause.
retry() {
  local times=$1 delay=$2 try=1
  shift 2
  until "$@"; do
    [ "$try" -lt "$times" ] || return 1
    say "try $try of $times failed, again in $((delay * try))s: $*"
    sleep $((delay * try))
    try=$((try + 1))
  done
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

STEP_PID=
stop_step() {
  [ -z "$STEP_PID" ] || kill -TERM -- "-$STEP_PID" 2>/dev/null || true
  exit 130
}
trap stop_step INT TERM

# step NAME COMMAND...: one line with its seconds; a sign of life on long ones;
# the end of its log when it fails.
step() {
  local name=$1 log start=$EPOCHREALTIME beat=$((SECONDS + 8)) code=0
  shift
  mkdir -p "$LOGS"
  log="$LOGS/${name//[^a-zA-Z0-9.-]/-}.log"
  set -m
  ("$@") >"$log" 2>&1 &
  STEP_PID=$!
  set +m
  while kill -0 "$STEP_PID" 2>/dev/null; do
    sleep 0.1
    [ "$SECONDS" -ge "$beat" ] || continue
    beat=$((SECONDS + 8))
    say "  ... $name $(seconds_since "$start")s: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
  done
  wait "$STEP_PID" || code=$?
  STEP_PID=
  if [ "$code" -ne 0 ]; then
    tail -n 20 "$log" | sed 's/^/    /' >&2
    die "$name failed (exit $code) after $(seconds_since "$start")s" "read ${log#"$ROOT"/}, then run the same command again"
  fi
  printf 'ok  %-46s %6ss\n' "$name" "$(seconds_since "$start")"
}
