package io.quorate.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Just enough of HTTP/1.1 to know when an answer is complete. */
final class HttpAnswer {
  private HttpAnswer() {}

  /** The status when the bytes hold a whole answer, else 0. */
  static int status(byte[] bytes, int count) throws IOException {
    int body = endOfHead(bytes, count);
    if (body < 0) {
      if (count == bytes.length) {
        throw new IOException("the head of an answer is longer than " + count + " bytes");
      }
      return 0;
    }
    int status =
        (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + (bytes[11] - '0'); // HTTP/1.1 200
    int length = contentLength(bytes, body);
    boolean complete =
        length >= 0
            ? count >= body + length
            : status == 204 || status == 304 || endsChunked(bytes, body, count);
    if (!complete && count == bytes.length) {
      throw new IOException("an answer is longer than " + count + " bytes");
    }
    return complete ? status : 0;
  }

  private static int endOfHead(byte[] bytes, int count) {
    for (int i = 3; i < count; i++) {
      if (bytes[i] == '\n' && bytes[i - 1] == '\r' && bytes[i - 2] == '\n') {
        return i + 1;
      }
    }
    return -1;
  }

  private static int contentLength(byte[] bytes, int headLength) {
    for (int i = 0; i + 17 < headLength; i++) {
      if (bytes[i] == '\n'
          && (bytes[i + 1] | 0x20) == 'c'
          && (bytes[i + 9] | 0x20) == 'l'
          && bytes[i + 15] == ':') {
        var name = new String(bytes, i + 1, 14, StandardCharsets.US_ASCII);
        if (name.toLowerCase(Locale.ROOT).equals("content-length")) {
          int length = 0;
          for (int j = i + 16; bytes[j] != '\r'; j++) {
            length = bytes[j] == ' ' ? length : length * 10 + (bytes[j] - '0');
          }
          return length;
        }
      }
    }
    return -1;
  }

  private static boolean endsChunked(byte[] bytes, int body, int count) {
    return count - body >= 5
        && bytes[count - 5] == '0'
        && bytes[count - 4] == '\r'
        && bytes[count - 3] == '\n'
        && bytes[count - 2] == '\r'
        && bytes[count - 1] == '\n';
  }
}
