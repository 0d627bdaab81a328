package io.quorate.wire;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A client that speaks frames, so that a test sees every byte and may send wrong ones. */
final class RawClient implements AutoCloseable {
  private final Socket socket = new Socket();
  private final DataInputStream in;
  private final DataOutputStream out;

  RawClient(int port) throws IOException {
    socket.setTcpNoDelay(true);
    socket.connect(new InetSocketAddress("127.0.0.1", port), 5_000);
    socket.setSoTimeout(10_000);
    in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream()));
    out = new DataOutputStream(socket.getOutputStream());
  }

  /** What a server says to a greeting. */
  record Welcome(int timeoutMs, long sessionId, byte[] secret, boolean saysReadOnly) {}

  /** A frame from the server: header and the rest. */
  record Frame(int xid, long zxid, int error, ByteBuffer body) {}

  @Nullable Welcome greet(long lastZxid, int timeoutMs, long sessionId, byte[] secret)
      throws IOException {
    return greet(lastZxid, timeoutMs, sessionId, secret, true);
  }

  /** Null when the server hangs up instead of answering. */
  @Nullable Welcome greet(
      long lastZxid, int timeoutMs, long sessionId, byte[] secret, boolean sendReadOnly)
      throws IOException {
    var body = new Body().number(0).wide(lastZxid).number(timeoutMs).wide(sessionId).buffer(secret);
    send(sendReadOnly ? body.flag(false).bytes() : body.bytes());
    byte[] answer = read();
    if (answer == null) {
      return null;
    }
    ByteBuffer fields = ByteBuffer.wrap(answer);
    fields.getInt();
    int negotiated = fields.getInt();
    long id = fields.getLong();
    byte[] password = new byte[fields.getInt()];
    fields.get(password);
    return new Welcome(negotiated, id, password, fields.hasRemaining());
  }

  void send(byte[] frame) throws IOException {
    ByteBuffer whole = ByteBuffer.allocate(4 + frame.length).putInt(frame.length).put(frame);
    out.write(whole.array());
    out.flush();
  }

  void sendBytes(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  void request(int xid, int op, byte[] body) throws IOException {
    send(ByteBuffer.allocate(8 + body.length).putInt(xid).putInt(op).put(body).array());
  }

  record Request(int xid, int op, byte[] body) {}

  /** All of them in one write. */
  void requests(List<Request> requests) throws IOException {
    var bytes = new ByteArrayOutputStream();
    for (Request each : requests) {
      bytes.write(
          ByteBuffer.allocate(12 + each.body.length)
              .putInt(8 + each.body.length)
              .putInt(each.xid)
              .putInt(each.op)
              .put(each.body)
              .array());
    }
    sendBytes(bytes.toByteArray());
  }

  /** The next frame; null at the end of the stream. */
  byte @Nullable [] read() throws IOException {
    try {
      byte[] frame = new byte[in.readInt()];
      in.readFully(frame);
      return frame;
    } catch (EOFException | java.net.SocketException e) {
      return null;
    }
  }

  @Nullable Frame frame() throws IOException {
    byte[] frame = read();
    if (frame == null) {
      return null;
    }
    ByteBuffer fields = ByteBuffer.wrap(frame);
    return new Frame(fields.getInt(), fields.getLong(), fields.getInt(), fields.slice());
  }

  /** How long it waits for a frame. */
  void patience(int timeoutMs) throws IOException {
    socket.setSoTimeout(timeoutMs);
  }

  /** Everything until the server hangs up. */
  String readText() throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  /** Writes jute. */
  static final class Body {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final DataOutputStream data = new DataOutputStream(bytes);

    private interface Step {
      void write(DataOutputStream out) throws IOException;
    }

    private Body with(Step step) {
      try {
        step.write(data);
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
      return this;
    }

    Body number(int value) {
      return with(out -> out.writeInt(value));
    }

    Body wide(long value) {
      return with(out -> out.writeLong(value));
    }

    Body flag(boolean value) {
      return with(out -> out.writeBoolean(value));
    }

    Body buffer(byte @Nullable [] value) {
      return with(
          out -> {
            out.writeInt(value == null ? -1 : value.length);
            if (value != null) {
              out.write(value);
            }
          });
    }

    Body text(@Nullable String value) {
      return buffer(value == null ? null : value.getBytes(StandardCharsets.UTF_8));
    }

    Body texts(List<String> values) {
      number(values.size());
      values.forEach(this::text);
      return this;
    }

    Body raw(byte[] value) {
      return with(out -> out.write(value));
    }

    byte[] bytes() {
      return bytes.toByteArray();
    }
  }
}
