package io.quorate.codec;

import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.state.Precondition;
import io.quorate.state.Settings;
import java.util.ArrayList;

/** Bytes of what commands are subject to: preconditions and settings. */
final class TermsCodec {
  private TermsCodec() {}

  static void write(ByteWriter out, Precondition precondition) {
    switch (precondition) {
      case Precondition.None none -> out.octet(0);
      case Precondition.Absent absent -> out.octet(1);
      case Precondition.Present present -> out.octet(2);
      case Precondition.OneOf oneOf -> {
        out.octet(3).number(oneOf.etags().size());
        for (String etag : oneOf.etags()) {
          out.text(etag);
        }
      }
      case Precondition.Version version -> out.octet(4).signed(version.version());
    }
  }

  static Precondition precondition(ByteReader in) throws MalformedException {
    int kind = in.octet();
    return switch (kind) {
      case 0 -> Precondition.NONE;
      case 1 -> Precondition.ABSENT;
      case 2 -> Precondition.PRESENT;
      case 3 -> {
        int count = in.count();
        var etags = new ArrayList<String>(count);
        for (int i = 0; i < count; i++) {
          etags.add(in.text());
        }
        yield new Precondition.OneOf(etags);
      }
      case 4 -> new Precondition.Version(in.signedInt());
      default -> throw new MalformedException("unknown precondition " + kind);
    };
  }

  static void write(ByteWriter out, Settings settings) {
    out.signed(settings.maxDataBytes())
        .signed(settings.historyMaxEvents())
        .signed(settings.historyMaxBytes())
        .signed(settings.minSessionTimeoutMs())
        .signed(settings.maxSessionTimeoutMs())
        .signed(settings.maxDeleteTree())
        .signed(settings.keyMinAgeMs())
        .signed(settings.maxKeys())
        .signed(settings.maxKeyBytes())
        .octet(settings.quotaEnforced() ? 1 : 0)
        .signed(settings.revision());
  }

  static Settings settings(ByteReader in) throws MalformedException {
    return new Settings(
        in.signedInt(),
        in.signedInt(),
        in.signed(),
        in.signedInt(),
        in.signedInt(),
        in.signedInt(),
        in.signed(),
        in.signedInt(),
        in.signed(),
        in.flag(),
        in.signedInt());
  }
}
