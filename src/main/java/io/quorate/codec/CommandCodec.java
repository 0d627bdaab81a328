package io.quorate.codec;

import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.bytes.ValueCodec;
import io.quorate.state.Command;
import io.quorate.state.Submission;
import io.quorate.tree.Digest;
import io.quorate.tree.Identity;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes of submissions. The numbers of the cases stand in logs: give new ones, never change one.
 */
final class CommandCodec {
  private static final int SESSION = 1;
  private static final int GENERATION = 2;
  private static final int ONCE_KEY = 4;

  private CommandCodec() {}

  static void write(ByteWriter out, Submission submission) {
    Submission.Author author = submission.author();
    Submission.OnceKey key = submission.onceKey();
    boolean anyGeneration = author.generation() == Submission.Author.ANY_GENERATION;
    out.octet(
        (author.sessionId() == 0 ? 0 : SESSION)
            | (anyGeneration ? 0 : GENERATION)
            | (key == null ? 0 : ONCE_KEY));
    if (author.sessionId() != 0) {
      out.fixed(author.sessionId());
    }
    if (!anyGeneration) {
      out.signed(author.generation());
    }
    out.number(author.identities().size());
    for (Identity identity : author.identities()) {
      ValueCodec.write(out, identity);
    }
    if (key != null) {
      write(out, key);
    }
    write(out, submission.command());
  }

  static Submission submission(ByteReader in) throws MalformedException {
    int flags = in.octet();
    if (flags > (SESSION | GENERATION | ONCE_KEY)) {
      throw new MalformedException("unknown flags " + flags);
    }
    long sessionId = (flags & SESSION) == 0 ? 0 : in.fixed();
    long generation = (flags & GENERATION) == 0 ? Submission.Author.ANY_GENERATION : in.signed();
    int count = in.count();
    var identities = new ArrayList<Identity>(count);
    for (int i = 0; i < count; i++) {
      identities.add(ValueCodec.identity(in));
    }
    Submission.OnceKey key = (flags & ONCE_KEY) == 0 ? null : onceKey(in);
    var author =
        flags == 0 && count == 0
            ? Submission.Author.ANYONE
            : new Submission.Author(sessionId, generation, identities);
    return new Submission(author, key, command(in));
  }

  static void write(ByteWriter out, Submission.OnceKey key) {
    out.text(key.scope()).text(key.key()).text(key.fingerprint());
  }

  static Submission.OnceKey onceKey(ByteReader in) throws MalformedException {
    return new Submission.OnceKey(in.text(), in.text(), in.text());
  }

  private static void write(ByteWriter out, Command command) {
    switch (command) {
      case Command.Op op -> write(out, op);
      case Command.Multi multi -> writeAll(out.octet(20), multi.ops());
      case Command.Transaction transaction -> {
        out.octet(21).number(transaction.conditions().size());
        for (Command.Condition condition : transaction.conditions()) {
          ValueCodec.write(out, condition.path());
          TermsCodec.write(out, condition.precondition());
        }
        writeAll(out, transaction.then());
        writeAll(out, transaction.otherwise());
      }
      case Command.OpenSession open ->
          out.octet(30)
              .fixed(open.id())
              .bytes(open.passwordHash())
              .signed(open.timeoutMs())
              .signed(open.member());
      case Command.AttachSession attach ->
          out.octet(31)
              .fixed(attach.id())
              .bytes(attach.passwordHash())
              .signed(attach.timeoutMs())
              .signed(attach.member());
      case Command.CloseSession close -> out.octet(32).fixed(close.id());
      case Command.ExpireSession expire ->
          out.octet(33).fixed(expire.id()).signed(expire.generation()).signed(expire.term());
      case Command.Reap reap -> ValueCodec.write(out.octet(34), reap.path());
      case Command.Configure configure -> TermsCodec.write(out.octet(35), configure.settings());
      case Command.NewTerm term -> out.octet(36).signed(term.term()).signed(term.leaderId());
      case Command.Fence fence ->
          out.octet(37).signed(fence.member()).signed(fence.boot()).signed(fence.next());
      case Command.Audit audit ->
          out.octet(38)
              .signed(audit.zxid())
              .fixed(audit.digest().high())
              .fixed(audit.digest().low());
    }
  }

  private static void write(ByteWriter out, Command.Op op) {
    switch (op) {
      case Command.Create create -> {
        ValueCodec.write(out.octet(1), create.parent());
        out.text(create.name())
            .octet(create.naming() == Command.Naming.SEQUENTIAL ? 1 : 0)
            .bytes(create.data())
            .optionalText(create.contentType());
        ValueCodec.write(out, create.acl());
        ValueCodec.write(out, create.lifetime());
        write(out, create.parents());
      }
      case Command.Put put -> {
        ValueCodec.write(out.octet(2), put.path());
        out.bytes(put.data()).optionalText(put.contentType());
        TermsCodec.write(out, put.precondition());
        ValueCodec.write(out, put.acl());
        ValueCodec.write(out, put.lifetime());
        write(out, put.parents());
      }
      case Command.SetData set -> {
        ValueCodec.write(out.octet(3), set.path());
        out.bytes(set.data()).optionalText(set.contentType());
        TermsCodec.write(out, set.precondition());
      }
      case Command.Delete delete -> {
        ValueCodec.write(out.octet(4), delete.path());
        TermsCodec.write(out, delete.precondition());
      }
      case Command.DeleteTree delete -> {
        ValueCodec.write(out.octet(5), delete.path());
        TermsCodec.write(out, delete.precondition());
      }
      case Command.SetAcl set -> {
        ValueCodec.write(out.octet(6), set.path());
        ValueCodec.write(out, set.acl());
        TermsCodec.write(out, set.precondition());
      }
      case Command.Check check -> {
        ValueCodec.write(out.octet(7), check.path());
        out.signed(check.version());
      }
      case Command.Read read -> ValueCodec.write(out.octet(8), read.path());
    }
  }

  private static void write(ByteWriter out, Command.Parents parents) {
    out.octet(parents == Command.Parents.CREATED ? 1 : 0);
  }

  private static void writeAll(ByteWriter out, List<Command.Op> ops) {
    out.number(ops.size());
    for (Command.Op op : ops) {
      write(out, op);
    }
  }

  private static Command command(ByteReader in) throws MalformedException {
    int kind = in.octet();
    return switch (kind) {
      case 20 -> new Command.Multi(ops(in));
      case 21 -> new Command.Transaction(conditions(in), ops(in), ops(in));
      case 30 ->
          new Command.OpenSession(
              in.fixed(), ValueCodec.present(in), in.signedInt(), in.signedInt());
      case 31 ->
          new Command.AttachSession(
              in.fixed(), ValueCodec.present(in), in.signedInt(), in.signedInt());
      case 32 -> new Command.CloseSession(in.fixed());
      case 33 -> new Command.ExpireSession(in.fixed(), in.signed(), in.signed());
      case 34 -> new Command.Reap(ValueCodec.path(in));
      case 35 -> new Command.Configure(TermsCodec.settings(in));
      case 36 -> new Command.NewTerm(in.signed(), in.signedInt());
      case 37 -> new Command.Fence(in.signedInt(), in.signed(), in.signed());
      case 38 -> new Command.Audit(in.signed(), new Digest(in.fixed(), in.fixed()));
      default -> op(kind, in);
    };
  }

  private static Command.Op op(int kind, ByteReader in) throws MalformedException {
    return switch (kind) {
      case 1 ->
          new Command.Create(
              ValueCodec.path(in),
              in.text(),
              in.flag() ? Command.Naming.SEQUENTIAL : Command.Naming.EXACT,
              in.bytes(),
              in.optionalText(),
              ValueCodec.acl(in),
              ValueCodec.lifetime(in),
              parents(in));
      case 2 ->
          new Command.Put(
              ValueCodec.path(in),
              ValueCodec.present(in),
              in.optionalText(),
              TermsCodec.precondition(in),
              ValueCodec.acl(in),
              ValueCodec.lifetime(in),
              parents(in));
      case 3 ->
          new Command.SetData(
              ValueCodec.path(in), in.bytes(), in.optionalText(), TermsCodec.precondition(in));
      case 4 -> new Command.Delete(ValueCodec.path(in), TermsCodec.precondition(in));
      case 5 -> new Command.DeleteTree(ValueCodec.path(in), TermsCodec.precondition(in));
      case 6 ->
          new Command.SetAcl(ValueCodec.path(in), ValueCodec.acl(in), TermsCodec.precondition(in));
      case 7 -> new Command.Check(ValueCodec.path(in), in.signedInt());
      case 8 -> new Command.Read(ValueCodec.path(in));
      default -> throw new MalformedException("unknown command " + kind);
    };
  }

  private static Command.Parents parents(ByteReader in) throws MalformedException {
    return in.flag() ? Command.Parents.CREATED : Command.Parents.REQUIRED;
  }

  private static List<Command.Op> ops(ByteReader in) throws MalformedException {
    int count = in.count();
    var ops = new ArrayList<Command.Op>(count);
    for (int i = 0; i < count; i++) {
      ops.add(op(in.octet(), in));
    }
    return ops;
  }

  private static List<Command.Condition> conditions(ByteReader in) throws MalformedException {
    int count = in.count();
    var conditions = new ArrayList<Command.Condition>(count);
    for (int i = 0; i < count; i++) {
      conditions.add(new Command.Condition(ValueCodec.path(in), TermsCodec.precondition(in)));
    }
    return conditions;
  }
}
