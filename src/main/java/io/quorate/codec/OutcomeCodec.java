package io.quorate.codec;

import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.bytes.ValueCodec;
import io.quorate.state.Answer;
import io.quorate.state.Code;
import io.quorate.state.Outcome;
import java.util.ArrayList;

/** Bytes of answers. The numbers of the cases stand in checkpoints: never change one. */
final class OutcomeCodec {
  private OutcomeCodec() {}

  static void write(ByteWriter out, Answer answer) {
    out.signed(answer.zxid());
    write(out, answer.outcome());
  }

  static Answer answer(ByteReader in) throws MalformedException {
    long zxid = in.signed();
    int kind = in.octet();
    return new Answer(kind == 7 ? several(in) : single(kind, in), zxid);
  }

  private static void write(ByteWriter out, Outcome outcome) {
    switch (outcome) {
      case Outcome.Rejected rejected -> write(out.octet(1), rejected);
      case Outcome.Created created -> {
        ValueCodec.write(out.octet(2), created.path());
        ValueCodec.write(out, created.stat());
      }
      case Outcome.Updated updated -> {
        ValueCodec.write(out.octet(3), updated.path());
        ValueCodec.write(out, updated.stat());
      }
      case Outcome.Deleted deleted -> {
        ValueCodec.write(out.octet(4), deleted.path());
        out.signed(deleted.count());
      }
      case Outcome.Checked checked -> ValueCodec.write(out.octet(5), checked.path());
      case Outcome.Found found -> {
        ValueCodec.write(out.octet(6), found.path());
        out.bytes(found.data()).optionalText(found.contentType());
        ValueCodec.write(out, found.stat());
      }
      case Outcome.Several several -> {
        out.octet(7).octet(several.succeeded() ? 1 : 0).number(several.results().size());
        for (Outcome result : several.results()) {
          write(out, result);
        }
      }
      case Outcome.SeveralRejected rejected -> {
        out.octet(8)
            .octet(rejected.succeeded() ? 1 : 0)
            .signed(rejected.failedIndex())
            .signed(rejected.count());
        write(out, rejected.rejection());
      }
      case Outcome.InSession session ->
          out.octet(9).fixed(session.id()).signed(session.timeoutMs()).signed(session.generation());
      case Outcome.Done done -> out.octet(10);
    }
  }

  private static void write(ByteWriter out, Outcome.Rejected rejected) {
    out.text(rejected.code().name())
        .optionalText(rejected.path() == null ? null : rejected.path().toString())
        .text(rejected.detail())
        .octet(rejected.precondition() ? 1 : 0);
  }

  private static Outcome several(ByteReader in) throws MalformedException {
    boolean succeeded = in.flag();
    int count = in.count();
    var results = new ArrayList<Outcome>(count);
    for (int i = 0; i < count; i++) {
      results.add(single(in.octet(), in));
    }
    return new Outcome.Several(succeeded, results);
  }

  /** Everything but {@code Several}, which does not stand within another. */
  private static Outcome single(int kind, ByteReader in) throws MalformedException {
    return switch (kind) {
      case 1 -> rejected(in);
      case 2 -> new Outcome.Created(ValueCodec.path(in), ValueCodec.stat(in));
      case 3 -> new Outcome.Updated(ValueCodec.path(in), ValueCodec.stat(in));
      case 4 -> new Outcome.Deleted(ValueCodec.path(in), in.signedInt());
      case 5 -> new Outcome.Checked(ValueCodec.path(in));
      case 6 ->
          new Outcome.Found(
              ValueCodec.path(in), in.bytes(), in.optionalText(), ValueCodec.stat(in));
      case 8 ->
          new Outcome.SeveralRejected(in.flag(), in.signedInt(), in.signedInt(), rejected(in));
      case 9 -> new Outcome.InSession(in.fixed(), in.signedInt(), in.signed());
      case 10 -> Outcome.DONE;
      default -> throw new MalformedException("unknown outcome " + kind);
    };
  }

  private static Outcome.Rejected rejected(ByteReader in) throws MalformedException {
    Code code = code(in.text());
    return new Outcome.Rejected(code, in.flag() ? ValueCodec.path(in) : null, in.text(), in.flag());
  }

  private static Code code(String name) throws MalformedException {
    for (Code code : Code.values()) {
      if (code.name().equals(name)) {
        return code;
      }
    }
    throw new MalformedException("unknown code " + name);
  }
}
