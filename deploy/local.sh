#!/usr/bin/env bash
# The production shape on one machine: a private PostgreSQL and Redis, each binary its own process.
#   deploy/local.sh up      builds, starts everything, waits until all of it is ready
#   deploy/local.sh down    stops everything, in order; `down --wipe` removes its data too
#   deploy/local.sh status  says what runs
# Addresses are in deploy/.local/env, process ids in deploy/.local/*.pid, logs in deploy/.local/*.log.
# TANDEM_LOCAL_DIR names another folder than deploy/.local; TANDEM_BIN_DIR one with binaries that are built already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
state=$(realpath -m "${TANDEM_LOCAL_DIR:-$here/.local}")
profile=${TANDEM_PROFILE:-release}
binaries=${TANDEM_BIN_DIR:-$root/target/$([ "$profile" = dev ] && echo debug || echo "$profile")}

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

find_postgres() {
  if command -v initdb >/dev/null; then dirname "$(readlink -f "$(command -v initdb)")"; return; fi
  local newest
  newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$newest" ] && echo "$newest"
}

needs() {
  local missing=()
  command -v redis-server >/dev/null || missing+=(redis-server)
  [ -n "$(find_postgres)" ] || missing+=(postgresql)
  [ ${#missing[@]} -eq 0 ] && return
  if [ -f /etc/debian_version ] && [ "$(id -u)" = 0 ]; then
    say "installing ${missing[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    die "${missing[*]} missing: install it (Debian: apt-get install ${missing[*]})"
  fi
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || shuf -i 20000-29999 -n 1; }
alive() { [ -f "$state/$1.pid" ] && kill -0 "$(cat "$state/$1.pid")" 2>/dev/null; }

# PostgreSQL refuses to run as root.
as_database_user() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start() { # name program args…
  local name=$1; shift
  alive "$name" && { say "$name runs already"; return; }
  setsid "$@" >"$state/$name.log" 2>&1 </dev/null &
  echo $! >"$state/$name.pid"
}

wait_for() { # what seconds command…
  local what=$1 seconds=$2; shift 2
  local deadline=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || die "$what is not ready after $seconds s; see $state/$what.log"
    sleep 0.1
  done
}

http_ok() { curl -fsS -m 2 "http://$1" 2>/dev/null || { exec 3<>"/dev/tcp/${1%%:*}/$(p=${1#*:}; echo "${p%%/*}")" && printf 'GET /%s HTTP/1.0\r\n\r\n' "${1#*/}" >&3 && head -n 1 <&3 | grep -q ' 200 '; }; }

start_postgres() {
  local bin; bin=$(find_postgres)
  if [ ! -f "$state/postgres/PG_VERSION" ]; then
    mkdir -p "$state/postgres"
    if [ "$(id -u)" = 0 ]; then chown postgres "$state/postgres" && chmod 700 "$state/postgres"; fi
    (cd / && as_database_user "$bin/initdb" -D "$state/postgres" -U postgres -A trust -E UTF8 --no-locale >"$state/initdb.log")
  fi
  if ! alive postgres; then
    (cd / && as_database_user "$bin/pg_ctl" -D "$state/postgres" -w -t 60 -l "$state/postgres/server.log" \
      -o "-p $POSTGRES_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200" start >"$state/postgres.log" 2>&1) \
      || die "postgres does not start; see $state/postgres/server.log"
    head -n 1 "$state/postgres/postmaster.pid" >"$state/postgres.pid"
  fi
  "$bin/psql" -qtA "postgres://postgres@127.0.0.1:$POSTGRES_PORT/postgres" -c "SELECT 1 FROM pg_database WHERE datname = 'tandem'" | grep -q 1 \
    || "$bin/createdb" -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres tandem
}

reachable_by_database_user() { # a checkout under a private home cannot hold the cluster when root starts it
  [ "$(id -u)" != 0 ] || (cd / && runuser -u postgres -- test -x "$state") || die "the user postgres cannot enter $state: move the checkout, or start as a plain user"
}

up() {
  needs
  mkdir -p "$state/segments"
  reachable_by_database_user
  [ -f "$state/env" ] || write_env
  # shellcheck disable=SC1091
  . "$state/env"
  if [ -z "${TANDEM_BIN_DIR:-}" ]; then
    say "building ($profile)"
    (cd "$root" && cargo build --quiet --profile "$profile" --workspace --bins --exclude xtask)
  fi
  start_postgres
  start redis redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save '' --appendonly no --maxmemory-policy noeviction --dir "$state"
  wait_for redis 10 redis-cli -p "$REDIS_PORT" ping
  start control "$binaries/tandem-control" --insecure --set "server.listen=${TANDEM_CONTROL#http://}" --set "admin.listen=$CONTROL_ADMIN"
  wait_for control 60 http_ok "$CONTROL_ADMIN/readyz"
  start events "$binaries/tandem-events-worker" --set "admin.listen=$EVENTS_ADMIN"
  start inventory "$binaries/tandem-inventory-worker" --set "admin.listen=$INVENTORY_ADMIN"
  start graph "$binaries/tandem-graph-worker" --set "admin.listen=$GRAPH_ADMIN"
  start gateway "$binaries/tandem-gateway" --insecure --set "server.listen=${TANDEM_GATEWAY#http://}" --set "admin.listen=$GATEWAY_ADMIN" \
    --set reflection.enabled=true
  wait_for events 30 http_ok "$EVENTS_ADMIN/readyz"
  wait_for inventory 60 http_ok "$INVENTORY_ADMIN/readyz"
  wait_for graph 60 http_ok "$GRAPH_ADMIN/readyz"
  wait_for gateway 60 http_ok "$GATEWAY_ADMIN/readyz"
  say "ready. Addresses: $state/env"
  sed -n 's/^export //p' "$state/env" >&2
}

write_env() {
  local postgres redis gateway control
  postgres=$(free_port); redis=$(free_port); gateway=$(free_port); control=$(free_port)
  local a b c d e; a=$(free_port); b=$(free_port); c=$(free_port); d=$(free_port); e=$(free_port)
  cat >"$state/env" <<EOF
# Written by deploy/local.sh; source it to talk to the local production shape.
export POSTGRES_PORT=$postgres
export REDIS_PORT=$redis
export TANDEM_DATABASE_URL=postgres://postgres@127.0.0.1:$postgres/tandem
export TANDEM_REDIS_URL=redis://127.0.0.1:$redis/
export TANDEM_SEGMENTS_PATH=$state/segments
export TANDEM_ATTRIBUTION_KEYS=local-$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
export TANDEM_GATEWAY=http://127.0.0.1:$gateway
export TANDEM_CONTROL=http://127.0.0.1:$control
export GATEWAY_ADMIN=127.0.0.1:$a
export CONTROL_ADMIN=127.0.0.1:$b
export GRAPH_ADMIN=127.0.0.1:$c
export INVENTORY_ADMIN=127.0.0.1:$d
export EVENTS_ADMIN=127.0.0.1:$e
EOF
}

stop() { # name seconds
  alive "$1" || { rm -f "$state/$1.pid"; return 0; }
  local pid; pid=$(cat "$state/$1.pid")
  kill -TERM "$pid" 2>/dev/null || true
  local deadline=$((SECONDS + $2))
  while kill -0 "$pid" 2>/dev/null; do
    if [ $SECONDS -ge $deadline ]; then say "$1 does not stop: killed"; kill -KILL "$pid" 2>/dev/null || true; break; fi
    sleep 0.1
  done
  rm -f "$state/$1.pid"
}

down() {
  for name in gateway graph inventory events control; do stop "$name" 30; done
  stop redis 10
  if alive postgres; then
    (cd / && as_database_user "$(find_postgres)/pg_ctl" -D "$state/postgres" -m fast -w stop >/dev/null) || true
  fi
  rm -f "$state/postgres.pid"
  if [ "${1:-}" = --wipe ] && [ -e "$state" ]; then
    [ -f "$state/env" ] || die "$state holds no shape of this script's making: nothing is removed"
    rm -rf "$state"
  fi
}

status() {
  for name in postgres redis control events inventory graph gateway; do
    if alive "$name"; then echo "$name runs ($(cat "$state/$name.pid"))"; else echo "$name is down"; fi
  done
}

case "${1:-}" in
  up) up ;;
  down) down "${2:-}" ;;
  status) status ;;
  *) die "usage: deploy/local.sh up | down [--wipe] | status" ;;
esac
