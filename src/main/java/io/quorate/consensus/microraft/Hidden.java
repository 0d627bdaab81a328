package io.quorate.consensus.microraft;

import java.lang.reflect.Field;

/** What MicroRaft lets nobody touch and has to be touched. Holds nothing; any thread. */
final class Hidden {
  private Hidden() {}

  /**
   * A field of one of its classes, to be read and written.
   *
   * @throws IllegalStateException when there is none, as in another release
   */
  static Field field(Class<?> owner, String name) {
    try {
      Field field = owner.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this is not the MicroRaft that was tested", e);
    }
  }
}
