#!/usr/bin/env bash
# Secrets in, an empty database for each system out, owned by a role of its own. Runs once, on an empty volume.
set -euo pipefail
for system in erp shop; do
  psql -v ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v system="$system" -v password="$(</run/secrets/${system}_db)" <<'SQL'
CREATE ROLE :"system" LOGIN PASSWORD :'password';
CREATE DATABASE :"system" OWNER :"system" ENCODING 'UTF8' TEMPLATE template0;
SQL
done
