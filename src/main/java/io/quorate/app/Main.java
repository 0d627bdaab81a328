package io.quorate.app;

/**
 * Where the program starts. Compiled for an older Java than the rest, so that a Java that is too
 * old gets a sentence instead of a stack trace.
 */
public final class Main {
  private static final int NEEDED = 21;

  private Main() {}

  public static void main(String[] args) {
    int found = Runtime.version().feature();
    if (found < NEEDED) {
      System.err.println(
          "Quorate needs Java "
              + NEEDED
              + " or newer, and this is Java "
              + found
              + " ("
              + System.getProperty("java.home")
              + "): start it with a newer one, for example JAVA_HOME/bin/java -jar quorate.jar");
      System.exit(1);
    }
    Quorate.main(args);
  }
}
