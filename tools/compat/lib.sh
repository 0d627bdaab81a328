# Sourced by the scripts in tools/compat. Starts members of this build on free ports, in a directory
# of their own, and stops them when the script ends.
#
#   compat_start COUNT      starts them; ZOOKEEPER is then host:port,host:port,... and HTTP a base URL
#   compat_leader           prints the number of the member that leads
#   compat_kill ID          SIGKILL; compat_revive ID brings it back
#
# QUORATE_ZOOKEEPER=host:port,... runs a script against members that are there already.

COMPAT_REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
COMPAT_HOME=""
COMPAT_COUNT=0
declare -A COMPAT_PID

compat_start() {
  if [ -n "${QUORATE_ZOOKEEPER:-}" ]; then
    export ZOOKEEPER=$QUORATE_ZOOKEEPER HTTP=${QUORATE_HTTP:-}
    return
  fi
  COMPAT_COUNT=$1
  . "$COMPAT_REPO/tools/lib/find-jdk.sh"
  [ -f "$COMPAT_REPO/target/quorate.jar" ] \
    || (cd "$COMPAT_REPO" && if command -v mvn >/dev/null; then mvn -q -B -ntp -DskipTests package; else ./mvnw -q -B -ntp -DskipTests package; fi)
  COMPAT_HOME=$(mktemp -d)
  trap compat_stop EXIT
  read -r -a COMPAT_PORTS <<<"$(python3 - "$((3 * COMPAT_COUNT))" <<'PY'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])
PY
)"
  COMPAT_MEMBERS="" ZOOKEEPER=""
  local id
  for id in $(seq 1 "$COMPAT_COUNT"); do
    COMPAT_MEMBERS+="${COMPAT_MEMBERS:+,}$id@127.0.0.1:${COMPAT_PORTS[$((3 * id - 3))]}"
    ZOOKEEPER+="${ZOOKEEPER:+,}127.0.0.1:${COMPAT_PORTS[$((3 * id - 2))]}"
  done
  HTTP=http://127.0.0.1:${COMPAT_PORTS[2]}
  export ZOOKEEPER HTTP
  for id in $(seq 1 "$COMPAT_COUNT"); do compat_revive "$id"; done
  for id in $(seq 1 "$COMPAT_COUNT"); do compat_ready "$id"; done
}

compat_http() { echo "http://127.0.0.1:${COMPAT_PORTS[$((3 * $1 - 1))]}"; }

compat_revive() {
  local id=$1 members=$COMPAT_MEMBERS
  [ "$COMPAT_COUNT" -gt 1 ] || members=""
  "$JAVA_HOME/bin/java" -Xmx512m -jar "$COMPAT_REPO/target/quorate.jar" \
    --quorate.id="$id" --quorate.members="$members" --quorate.data-dir="$COMPAT_HOME/$id" \
    --server.port="${COMPAT_PORTS[$((3 * id - 1))]}" \
    --quorate.zookeeper.port="${COMPAT_PORTS[$((3 * id - 2))]}" \
    --quorate.zookeeper.max-connections-per-address=0 ${COMPAT_OPTIONS:-} \
    >>"$COMPAT_HOME/$id.log" 2>&1 &
  COMPAT_PID[$id]=$!
  disown
}

compat_ready() {
  local id=$1 waited=0
  until curl -sf -o /dev/null -m 2 "$(compat_http "$id")/actuator/health/readiness"; do
    if ! kill -0 "${COMPAT_PID[$id]}" 2>/dev/null || [ $((waited += 1)) -gt 600 ]; then
      echo "member $id is not ready:" >&2
      tail -n 20 "$COMPAT_HOME/$id.log" >&2
      exit 1
    fi
    sleep 0.1
  done
}

compat_leader() {
  curl -sf -m 5 "${1:-$HTTP}/cluster" \
    | python3 -c 'import json,sys; print(next(m["id"] for m in json.load(sys.stdin)["members"] if m["role"] == "leader"))'
}

compat_kill() {
  kill -9 "${COMPAT_PID[$1]}"
}

compat_stop() {
  local id
  for id in "${!COMPAT_PID[@]}"; do kill "${COMPAT_PID[$id]}" 2>/dev/null || true; done
  for id in "${!COMPAT_PID[@]}"; do
    local waited=0
    while kill -0 "${COMPAT_PID[$id]}" 2>/dev/null && [ $((waited += 1)) -lt 120 ]; do sleep 0.1; done
    kill -9 "${COMPAT_PID[$id]}" 2>/dev/null || true
  done
  rm -rf "$COMPAT_HOME"
}

# Prints a Python that can import kazoo; installs it where it is not.
compat_python_with_kazoo() {
  local python
  for python in python3 /usr/bin/python3; do
    if command -v "$python" >/dev/null && "$python" -c 'import kazoo' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] \
    && apt-get install -y -q python3-kazoo >&2 && /usr/bin/python3 -c 'import kazoo'; then
    echo /usr/bin/python3
    return
  fi
  python3 -m venv "$COMPAT_REPO/target/kazoo" >&2
  "$COMPAT_REPO/target/kazoo/bin/pip" install -q kazoo >&2
  echo "$COMPAT_REPO/target/kazoo/bin/python"
}
