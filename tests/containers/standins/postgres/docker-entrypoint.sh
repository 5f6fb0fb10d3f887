#!/usr/bin/env bash
# Environment in, a running server out: initdb, POSTGRES_*(_FILE) and /docker-entrypoint-initdb.d
# the first time, then the command.
set -euo pipefail
if [[ "$(id -u)" == 0 ]]; then
  mkdir -p "$PGDATA"
  chown -R postgres:postgres "$PGDATA"
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups -- "$0" "$@"
fi
[[ "${1-}" == postgres ]] || exec "$@"

if [[ ! -s "$PGDATA/PG_VERSION" ]]; then
  user="${POSTGRES_USER:-postgres}"
  password="${POSTGRES_PASSWORD-}"
  [[ -n "${POSTGRES_PASSWORD_FILE-}" ]] && password="$(<"$POSTGRES_PASSWORD_FILE")"
  : "${password:?set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE}"
  # shellcheck disable=SC2086 - options are words
  initdb -U "$user" -E UTF8 --locale=C.UTF-8 --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS-}
  printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -c unix_socket_directories=/tmp" start
  export PGHOST=/tmp PGUSER="$user" PGPASSWORD="$password"
  database="${POSTGRES_DB:-$user}"
  [[ "$database" == postgres ]] || psql -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE \"$database\""
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) if [[ -x "$file" ]]; then "$file"; else . "$file"; fi ;;
      *.sql) psql -v ON_ERROR_STOP=1 --no-psqlrc -d "$database" -f "$file" ;;
    esac
  done
  unset PGPASSWORD PGHOST PGUSER
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
