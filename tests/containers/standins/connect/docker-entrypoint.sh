#!/bin/bash
# Environment in, a running Connect worker out: the variables that the public image documents.
set -euo pipefail
[[ "${1-}" == start ]] || exec "$@"

export CONNECT_BOOTSTRAP_SERVERS="${BOOTSTRAP_SERVERS:?must be set}"
export CONNECT_GROUP_ID="${GROUP_ID:-1}"
export CONNECT_CONFIG_STORAGE_TOPIC="${CONFIG_STORAGE_TOPIC:?must be set}"
export CONNECT_OFFSET_STORAGE_TOPIC="${OFFSET_STORAGE_TOPIC:?must be set}"
export CONNECT_STATUS_STORAGE_TOPIC="${STATUS_STORAGE_TOPIC:-connect-status}"
export CONNECT_KEY_CONVERTER="${KEY_CONVERTER:-org.apache.kafka.connect.json.JsonConverter}"
export CONNECT_VALUE_CONVERTER="${VALUE_CONVERTER:-org.apache.kafka.connect.json.JsonConverter}"
export CONNECT_OFFSET_FLUSH_INTERVAL_MS="${OFFSET_FLUSH_INTERVAL_MS:-60000}"
export CONNECT_OFFSET_FLUSH_TIMEOUT_MS="${OFFSET_FLUSH_TIMEOUT_MS:-5000}"
export CONNECT_TASK_SHUTDOWN_GRACEFUL_TIMEOUT_MS="${SHUTDOWN_TIMEOUT:-10000}"
export CONNECT_REST_ADVERTISED_HOST_NAME="${ADVERTISED_HOST_NAME:-$(hostname)}"
export CONNECT_REST_ADVERTISED_PORT="${ADVERTISED_PORT:-8083}"

# CONNECT_A_B becomes a.b; what it means stays Connect's business.
env | while IFS='=' read -r name value; do
  [[ $name == CONNECT_* ]] || continue
  printf '%s=%s\n' "$(tr '[:upper:]_' '[:lower:].' <<<"${name#CONNECT_}")" "$value"
done >"$KAFKA_HOME/config/connect-distributed.properties"

level="${LOG_LEVEL:-INFO}"
printf '%s\n' "status=warn" "appender.out.type=Console" "appender.out.name=out" \
  "appender.out.layout.type=PatternLayout" "appender.out.layout.pattern=%d{ISO8601} %p %m [%c]%n" \
  "rootLogger.level=$level" "rootLogger.appenderRef.out.ref=out" \
  >"$KAFKA_HOME/config/log4j2.properties"

# shellcheck disable=SC2086 - options are words
exec java ${HEAP_OPTS:--Xms256M -Xmx2G} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC ${KAFKA_OPTS-} \
  "-Dlog4j2.configurationFile=$KAFKA_HOME/config/log4j2.properties" \
  -cp "$KAFKA_HOME/libs/*" org.apache.kafka.connect.cli.ConnectDistributed \
  "$KAFKA_HOME/config/connect-distributed.properties"
