package io.quorate.wire;

import io.netty.buffer.ByteBuf;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads jute, the record format of the ZooKeeper protocol, out of one frame.
 *
 * <p>Lengths are judged against what the frame still holds before anything is allocated.
 */
final class JuteReader {
  private final ByteBuf frame;

  JuteReader(ByteBuf frame) {
    this.frame = frame;
  }

  boolean hasMore() {
    return frame.isReadable();
  }

  int readInt() throws MalformedRequestException {
    require(4);
    return frame.readInt();
  }

  long readLong() throws MalformedRequestException {
    require(8);
    return frame.readLong();
  }

  boolean readBoolean() throws MalformedRequestException {
    require(1);
    return frame.readByte() != 0;
  }

  /** Null where the client wrote null, which is not the same as empty. */
  byte @Nullable [] readBuffer() throws MalformedRequestException {
    int length = readInt();
    if (length == -1) {
      return null;
    }
    require(length);
    byte[] bytes = new byte[length];
    frame.readBytes(bytes);
    return bytes;
  }

  @Nullable Bytes readData() throws MalformedRequestException {
    byte[] bytes = readBuffer();
    return bytes == null ? null : Bytes.wrap(bytes);
  }

  @Nullable String readNullableString() throws MalformedRequestException {
    int length = readInt();
    if (length == -1) {
      return null;
    }
    require(length);
    return frame.readString(length, StandardCharsets.UTF_8);
  }

  /** A string where null makes no sense: ZooKeeper stumbles over it and says so. */
  String readString() throws MalformedRequestException {
    String text = readNullableString();
    if (text == null) {
      throw new MalformedRequestException("null where a string is needed");
    }
    return text;
  }

  List<String> readStrings() throws MalformedRequestException {
    int count = readCount(4);
    var strings = new ArrayList<String>(count);
    for (int i = 0; i < count; i++) {
      strings.add(readString());
    }
    return strings;
  }

  /** An ACL as the client wrote it; one with holes becomes an empty one, which is refused. */
  @Nullable Acl readAcl() throws MalformedRequestException {
    require(4);
    if (frame.getInt(frame.readerIndex()) == -1) {
      frame.skipBytes(4);
      return null;
    }
    int count = readCount(12);
    var entries = new ArrayList<Acl.Entry>(count);
    boolean sound = true;
    for (int i = 0; i < count; i++) {
      int perms = readInt();
      String scheme = readNullableString();
      String id = readNullableString();
      if (scheme == null) {
        sound = false;
      } else {
        // An "auth" entry names nobody; every other needs more than nothing.
        entries.add(new Acl.Entry(perms, scheme, id == null ? "" : id));
      }
    }
    return new Acl(sound ? entries : List.of());
  }

  private int readCount(int bytesEach) throws MalformedRequestException {
    int count = readInt();
    if (count < 0 || count > frame.readableBytes() / bytesEach) {
      throw new MalformedRequestException("a list of " + count);
    }
    return count;
  }

  private void require(int bytes) throws MalformedRequestException {
    if (bytes < 0 || bytes > frame.readableBytes()) {
      throw new MalformedRequestException(
          bytes + " bytes are announced where " + frame.readableBytes() + " are left");
    }
  }
}
