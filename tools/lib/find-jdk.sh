# Sourced by the scripts in tools/. Sets JAVA_HOME to a JDK of 21 or newer, wherever it is
# installed; the newest wins, but a JAVA_HOME that is new enough is kept. Exits when there is none.

quorate_java_major() { # prints the major version of the JDK in $1; fails when there is none
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 1
  local line=""
  [ -r "$1/release" ] && line=$(grep '^JAVA_VERSION=' "$1/release")
  [ -n "$line" ] || line=$("$1/bin/java" -version 2>&1 | head -n 1)
  line=${line#*\"}
  line=${line#1.}
  line=${line%%[!0-9]*}
  [ -n "$line" ] && echo "$line"
}

quorate_find_jdk() {
  local wanted=21 best="" best_major=0 home major on_path
  if [ -n "${JAVA_HOME:-}" ] && major=$(quorate_java_major "$JAVA_HOME") && [ "$major" -ge $wanted ]; then
    return 0
  fi
  on_path=$(command -v java 2>/dev/null) && on_path=$(readlink -f "$on_path" 2>/dev/null) || on_path=""
  for home in "${on_path%/bin/java}" \
    /usr/lib/jvm/* /usr/java/* /usr/local/lib/jvm/* /opt/* /opt/java/* /opt/jdk/* \
    "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* "$HOME"/.asdf/installs/java/* \
    "$HOME"/.local/share/mise/installs/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home /opt/homebrew/opt/openjdk*; do
    [ -n "$home" ] && major=$(quorate_java_major "$home") || continue
    if [ "$major" -ge $wanted ] && [ "$major" -gt $best_major ]; then
      best=$home best_major=$major
    fi
  done
  if [ -z "$best" ]; then
    echo "No JDK of version $wanted or newer was found: install one, or set JAVA_HOME to it." >&2
    exit 1
  fi
  export JAVA_HOME=$best
}

quorate_find_jdk
