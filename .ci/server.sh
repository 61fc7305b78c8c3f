# Sourced by the checks: starts the release binary on a free port in a new folder.

# Stops the server when a check fails. A check with more to clean up replaces this trap.
trap '[[ -z ${pid:-} ]] || kill "$pid" 2>/dev/null || true' EXIT

# start_server [NAME=VALUE …] [-- ARGUMENT …]: sets $pid, $port and $out, the file with the standard output.
start_server() {
  home=$(mktemp -d)
  out=$home/out.txt
  : >"$out"
  local binary=${BINARY:-$PWD/target/release/weapp-login} environment=(WEAPP_SERVER__PORT=0)
  while (($# > 0)) && [[ $1 != -- ]]; do environment+=("$1"); shift; done
  shift || true
  (cd "$home" && exec env "${environment[@]}" "$binary" "$@") >"$out" 2>&1 &
  pid=$!
  for _ in $(seq 600); do
    port=$(grep -o 'http://127.0.0.1:[0-9]*' "$out" | head -1 | grep -o '[0-9]*$') && return
    sleep 0.1
  done
  cat "$out" >&2
  return 1
}

stop_server() {
  kill -TERM "$pid"
  wait "$pid"
  pid=
  rm -r "$home"
}
