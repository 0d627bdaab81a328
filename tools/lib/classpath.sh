# Sourced after find-jdk.sh by the scripts in tools/ that run classes of this build, tests and
# benchmarks included. Compiles, and sets CLASSPATH.

quorate_mvn() {
  if command -v mvn >/dev/null; then mvn "$@"; else "$QUORATE_HOME/mvnw" "$@"; fi
}

quorate_classpath() {
  local list=$QUORATE_HOME/target/test.classpath
  quorate_mvn -q -B -ntp -f "$QUORATE_HOME/pom.xml" ${MAVEN_ARGS:-} \
    test-compile org.apache.maven.plugins:maven-dependency-plugin:build-classpath -Dmdep.includeScope=test "-Dmdep.outputFile=$list" >&2
  export CLASSPATH=$QUORATE_HOME/target/test-classes:$QUORATE_HOME/target/classes:$(cat "$list")
}

quorate_classpath
