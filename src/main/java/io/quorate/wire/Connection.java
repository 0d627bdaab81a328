package io.quorate.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.quorate.server.Consistency;
import io.quorate.server.NotAppliedException;
import io.quorate.server.Reply;
import io.quorate.server.Sessions.Held;
import io.quorate.state.Code;
import io.quorate.state.Command;
import io.quorate.state.Outcome;
import io.quorate.state.Session;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.state.Submission.Author;
import io.quorate.tree.Identity;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZooVector;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One client's connection: its frames in, its replies and events out.
 *
 * <p>Everything but the {@link Outbox} and {@link ConnectionWatches} belongs to the channel's event
 * loop. Three rules keep the order that ZooKeeper promises:
 *
 * <ul>
 *   <li>Requests stand in one lane and are answered from its head. A change is submitted when it
 *       arrives, so hundreds can be under way; a read waits until the changes before it are
 *       answered, and does not see those behind it.
 *   <li>A read takes its state first, then lets everything out that is in the outbox, then answers.
 *       Events are put there before their state is published, so none is overtaken.
 *   <li>A request that arms a watch answers from the state that the watch table fired last, in one
 *       step with arming; changes behind it are held until that is done.
 * </ul>
 *
 * <p>A lane that is full, or a client that does not take its replies, is not read from.
 */
final class Connection extends ByteToMessageDecoder {
  private static final Logger LOG = Logger.getLogger(Connection.class.getName());

  private static final int MAX_CALLS = 1_000;
  private static final int MAX_CALL_BYTES = 8 << 20;
  private static final long MAX_EVENT_BYTES = 16L << 20;
  private static final int GATHER_BYTES = 64 << 10;
  private static final int PING_XID = -2;
  private static final long ZXID_WAIT_MS = 200;

  /** How long a connection that is over may take its last answers. */
  private static final long LINGER_MS = 3_000;

  private static final byte[] NO_SECRET = new byte[16];

  private final WireServer server;
  private final Outbox outbox = new Outbox(MAX_EVENT_BYTES);
  private final ArrayDeque<Call> lane = new ArrayDeque<>();

  /** The tail of the lane that waits for a call which holds changes. */
  private final ArrayDeque<Call> held = new ArrayDeque<>();

  private @Nullable ChannelHandlerContext context;
  private @Nullable ByteBuf gathered;

  /** Where the reads that come now stand; null when none came since the last change. */
  private Call.@Nullable Gap gap;

  private @Nullable ConnectionWatches watches;
  private AskParser parser = new AskParser(0);
  private List<Identity> identities = List.of();
  private Phase phase = Phase.GREETING;

  /** Closes a connection that is not where it should be in time. */
  private @Nullable Future<?> limit;

  private boolean holding;
  private boolean answering;
  private int laneBytes;
  private volatile long sessionId;
  private long generation;
  private volatile int timeoutMs;
  private long lastTouchMs;
  private final long establishedMs;

  // What the client has seen.
  private long lastZxid;

  /** Newer than what is published: seen through an event or a fired state. */
  private @Nullable State floor;

  /** After the change of this connection that was answered last. */
  private @Nullable State afterLastChange;

  private @Nullable ZooVector<Long, Session> checkedSessions;
  private boolean sessionLives;

  // For those who show it.
  private volatile long receivedCount;
  private volatile long sentCount;
  private volatile int lastXid = -1;

  private enum Phase {
    /** Nothing has come yet that says who it is. */
    GREETING,
    /** The session is being opened or attached. */
    SETTLING,
    /** In session. */
    OPEN,
    /** What is under way is answered still; nothing more is read. */
    ENDING,
    /** Nothing more is read or answered; what is written leaves. */
    ENDED
  }

  Connection(WireServer server) {
    this.server = server;
    this.establishedMs = server.clock().wallMs();
  }

  // What the server asks of it, from any thread

  long sessionId() {
    return sessionId;
  }

  /**
   * The session has ended, or is attached elsewhere since: what is answered leaves, then it ends.
   * Who does not take it is not waited for.
   */
  void end() {
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      ctx.executor().execute(() -> limit(ctx, LINGER_MS));
    }
    outbox.put(new Outbox.Entry.End());
    wake();
  }

  /** Closes it after so many milliseconds, unless another limit is set before. */
  private void limit(ChannelHandlerContext ctx, long millis) {
    lift();
    if (!ctx.isRemoved()) {
      limit = ctx.executor().schedule(() -> ctx.close(), millis, TimeUnit.MILLISECONDS);
    }
  }

  private void lift() {
    Future<?> present = limit;
    limit = null;
    if (present != null) {
      present.cancel(false);
    }
  }

  /** Ends when no request is under way. */
  void finish() {
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      ctx.executor()
          .execute(
              () -> {
                ctx.channel().config().setAutoRead(false);
                if (phase == Phase.OPEN && !lane.isEmpty()) {
                  phase = Phase.ENDING;
                } else {
                  drop(ctx);
                }
              });
    }
  }

  Optional<ConnectionWatches> watches() {
    return Optional.ofNullable(watches);
  }

  /** What it shows of its frames begins again at 0. */
  void resetCounts() {
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      ctx.executor()
          .execute(
              () -> {
                receivedCount = 0;
                sentCount = 0;
              });
    }
  }

  /** One line of {@code stat} or {@code cons}. */
  String describe(boolean brief) {
    ChannelHandlerContext ctx = context;
    var line = new StringBuilder(" ");
    line.append(ctx == null ? "" : ctx.channel().remoteAddress());
    line.append("[1](queued=").append(lane.size());
    line.append(",recved=").append(receivedCount).append(",sent=").append(sentCount);
    if (!brief && sessionId != 0) {
      line.append(",sid=0x").append(Long.toHexString(sessionId));
      line.append(",est=").append(establishedMs);
      line.append(",to=").append(timeoutMs);
      line.append(",lcxid=0x").append(Integer.toHexString(lastXid));
      line.append(",lzxid=0x").append(Long.toHexString(lastZxid));
    }
    return line.append(')').toString();
  }

  // Channel events

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    context = ctx;
    if (!server.admit(this, ctx.channel())) {
      drop(ctx);
      return;
    }
    String address =
        ((InetSocketAddress) ctx.channel().remoteAddress()).getAddress().getHostAddress();
    identities = server.authenticator().ip(address);
    limit(ctx, server.options().handshakeTimeout().toMillis());
  }

  @Override
  protected void handlerRemoved0(ChannelHandlerContext ctx) {
    phase = Phase.ENDED;
    lift();
    server.remove(this, ctx.channel());
    server.traffic().outstanding.add(-lane.size());
    lane.clear();
    held.clear();
    ConnectionWatches armed = watches;
    if (armed != null) {
      armed.close();
    }
    ByteBuf left = gathered;
    gathered = null;
    if (left != null) {
      left.release();
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    // Not super's, which reads on when a decoder made nothing of what came: ours never does, and
    // must be able to pause.
    discardSomeReadBytes();
    flush(ctx);
    ctx.fireChannelReadComplete();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) throws Exception {
    if (ctx.channel().isWritable()) {
      answer(ctx);
      flush(ctx);
      readOn(ctx);
      flush(ctx);
    }
    super.channelWritabilityChanged(ctx);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    LOG.log(Level.FINE, "a connection failed and is closed", cause);
    ctx.close();
  }

  // Frames

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    if (phase == Phase.ENDING || phase == Phase.ENDED) {
      in.skipBytes(in.readableBytes());
      return;
    }
    if (in.readableBytes() < 4 || !takesMore(ctx)) {
      return;
    }
    int length = in.getInt(in.readerIndex());
    if (phase == Phase.GREETING && FourLetterWords.isOne(length)) {
      in.skipBytes(in.readableBytes());
      word(ctx, length);
      return;
    }
    if (length < 0 || length > server.options().maxFrameBytes()) {
      in.skipBytes(in.readableBytes());
      drop(ctx);
      return;
    }
    if (in.readableBytes() - 4 < length) {
      return;
    }
    in.skipBytes(4);
    ByteBuf frame = in.readSlice(length);
    receivedCount++;
    server.traffic().received.increment();
    try {
      if (phase == Phase.GREETING) {
        greet(ctx, new JuteReader(frame));
      } else {
        receive(ctx, frame, length);
      }
    } catch (MalformedRequestException e) {
      drop(ctx); // not even the header, or a greeting that is none
    }
  }

  private boolean takesMore(ChannelHandlerContext ctx) {
    boolean takes =
        phase != Phase.SETTLING
            && lane.size() < MAX_CALLS
            && laneBytes < MAX_CALL_BYTES
            && ctx.channel().isWritable();
    if (!takes) {
      ctx.channel().config().setAutoRead(false);
    }
    return takes;
  }

  /** Reads on where {@link #takesMore} stopped, beginning with what has come already. */
  private void readOn(ChannelHandlerContext ctx) throws Exception {
    if (phase != Phase.ENDING
        && phase != Phase.ENDED
        && !ctx.channel().config().isAutoRead()
        && takesMore(ctx)) {
      ctx.channel().config().setAutoRead(true);
      channelRead(ctx, Unpooled.EMPTY_BUFFER);
    }
  }

  private void word(ChannelHandlerContext ctx, int word) {
    phase = Phase.ENDED;
    limit(ctx, LINGER_MS);
    String answer = server.words().answer(word);
    ctx.writeAndFlush(Unpooled.copiedBuffer(answer, StandardCharsets.UTF_8))
        .addListener(ChannelFutureListener.CLOSE);
  }

  /** Ends it with what is written so far. */
  private void drop(ChannelHandlerContext ctx) {
    phase = Phase.ENDED;
    flush(ctx);
    ctx.close();
  }

  // The session

  private void greet(ChannelHandlerContext ctx, JuteReader body) throws MalformedRequestException {
    body.readInt(); // the protocol version: there was only ever 0
    long lastZxidSeen = body.readLong();
    int wantedTimeoutMs = body.readInt();
    long wantedSession = body.readLong();
    byte[] sent = body.readBuffer();
    byte[] secret = sent == null ? NO_SECRET : sent;
    boolean knowsReadOnly = body.hasMore();
    phase = Phase.SETTLING;
    lift();
    ctx.channel().config().setAutoRead(false);
    if (lastZxidSeen <= server.coordinator().state().zxid()) {
      settle(ctx, wantedTimeoutMs, wantedSession, secret, knowsReadOnly);
      return;
    }
    // This member may be a moment behind; a client of another cluster is refused all the same.
    CompletableFuture<State> level = server.coordinator().whenZxid(lastZxidSeen);
    ctx.executor().schedule(() -> level.cancel(false), ZXID_WAIT_MS, TimeUnit.MILLISECONDS);
    level.whenCompleteAsync(
        (state, failure) -> {
          if (failure == null) {
            settle(ctx, wantedTimeoutMs, wantedSession, secret, knowsReadOnly);
          } else if (failure instanceof CancellationException) {
            drop(ctx);
          }
        },
        ctx.executor());
  }

  private void settle(
      ChannelHandlerContext ctx,
      int wantedTimeoutMs,
      long wantedSession,
      byte[] secret,
      boolean knowsReadOnly) {
    CompletableFuture<Optional<Held>> settled =
        wantedSession == 0
            ? server.sessions().open(wantedTimeoutMs).thenApply(Optional::of)
            // A session's timeout is never 0 for ZooKeeper: it is brought up to the least.
            : server.sessions().attach(wantedSession, secret, Math.max(1, wantedTimeoutMs));
    settled.whenCompleteAsync(
        (held, failure) -> {
          if (phase != Phase.SETTLING) {
            return;
          }
          if (failure != null) {
            drop(ctx);
          } else if (held.isEmpty()) {
            welcome(ctx, 0, 0, NO_SECRET, knowsReadOnly);
            endAfterWriting(ctx);
          } else {
            begin(ctx, held.get(), knowsReadOnly);
          }
        },
        ctx.executor());
  }

  private void begin(ChannelHandlerContext ctx, Held session, boolean knowsReadOnly) {
    sessionId = session.id();
    generation = session.generation();
    timeoutMs = session.timeoutMs();
    lastTouchMs = server.clock().monotonicMs();
    lastZxid = session.zxid();
    parser = new AskParser(sessionId);
    watches = new ConnectionWatches(server.watchTable(), new Events(), identities);
    phase = Phase.OPEN;
    server.settled(this, generation);
    welcome(ctx, timeoutMs, sessionId, session.secret(), knowsReadOnly);
    flush(ctx);
    resume(ctx);
  }

  /** Where a connection's watches put their events. */
  private final class Events implements ConnectionWatches.Sink {
    @Override
    public void event(int type, ZPath path, long zxid, State seen) {
      if (outbox.event(type, path, zxid, seen)) {
        wake();
      } else {
        lost();
      }
    }

    @Override
    public void lost() {
      ChannelHandlerContext ctx = context;
      if (ctx != null) {
        ctx.close();
      }
    }
  }

  private void welcome(
      ChannelHandlerContext ctx, int timeout, long id, byte[] secret, boolean knowsReadOnly) {
    ByteBuf out = gather(ctx);
    int start = out.writerIndex();
    out.writeInt(0).writeInt(0).writeInt(timeout).writeLong(id);
    out.writeInt(secret.length).writeBytes(secret);
    if (knowsReadOnly) {
      out.writeBoolean(false);
    }
    out.setInt(start, out.writerIndex() - start - 4);
    sent();
  }

  // Requests

  private void receive(ChannelHandlerContext ctx, ByteBuf frame, int length)
      throws MalformedRequestException {
    var body = new JuteReader(frame);
    int xid = body.readInt();
    int op = body.readInt();
    lastXid = xid;
    touch();
    if (op == Op.AUTH) {
      authenticate(ctx, xid, body);
      return;
    }
    Ask ask;
    try {
      ask = parser.parse(op, body);
    } catch (MalformedRequestException e) {
      ask = new Ask.Refusal(Code.MARSHALLINGERROR.number());
    }
    var call = new Call(xid, ask, length, identities, System.nanoTime());
    lane.add(call);
    laneBytes += length;
    server.traffic().outstanding.increment();
    if (holding) {
      held.add(call);
    } else {
      admit(call);
    }
    answer(ctx);
  }

  /** A sign of life, passed on a few times per timeout. */
  private void touch() {
    long nowMs = server.clock().monotonicMs();
    if (nowMs - lastTouchMs >= Math.min(timeoutMs / 20, 200)) {
      lastTouchMs = nowMs;
      server.sessions().touch(sessionId);
    }
  }

  /** ZooKeeper answers credentials at once, whatever else is under way. */
  private void authenticate(ChannelHandlerContext ctx, int xid, JuteReader body)
      throws MalformedRequestException {
    body.readInt();
    String scheme = body.readNullableString();
    byte[] credentials = body.readBuffer();
    List<Identity> shown = List.of();
    if ("digest".equals(scheme) && credentials != null) {
      shown = server.authenticator().digest(credentials);
    } else if ("ip".equals(scheme)) {
      shown = List.of(identities.get(0));
    }
    ByteBuf out = gather(ctx);
    Jute.end(out, Jute.begin(out, xid, 0), shown.isEmpty() ? Code.AUTHFAILED.number() : 0);
    sent();
    if (shown.isEmpty()) {
      endAfterWriting(ctx);
      return;
    }
    var all = new ArrayList<Identity>(identities);
    for (Identity each : shown) {
      if (!all.contains(each)) {
        all.add(each);
      }
    }
    identities = List.copyOf(all);
    ConnectionWatches armed = watches;
    if (armed != null) {
      armed.identities(identities);
    }
  }

  /** The call begins its work; its turn to be answered comes with the head of the lane. */
  private void admit(Call call) {
    switch (call.ask) {
      case Ask.Change change -> submit(call, change.command());
      case Ask.Changes several -> submit(call, several.multi());
      case Ask.CloseSession close -> submit(call, new Command.CloseSession(sessionId));
      case Ask.Sync sync -> {
        call.gap = openGap();
        holding = true;
        server
            .coordinator()
            .read(Consistency.LINEARIZABLE)
            .whenComplete((state, failure) -> answered(call, null, failure));
      }
      default -> {
        call.gap = openGap();
        holding = call.holdsChanges();
      }
    }
  }

  private Call.Gap openGap() {
    Call.Gap open = gap;
    if (open == null) {
      open = new Call.Gap();
      gap = open;
    }
    return open;
  }

  private void submit(Call call, Command command) {
    var submission = Submission.of(new Author(sessionId, generation, call.identities), command);
    Call.Gap open = gap;
    CompletableFuture<Reply> reply;
    if (open == null) {
      reply = server.coordinator().submit(submission);
    } else {
      open.before = newest(); // what is published now is from before the change
      gap = null;
      reply = server.coordinator().submitApart(submission);
    }
    reply.whenComplete((answer, failure) -> answered(call, answer, failure));
  }

  /** On the Applier's thread, as a rule. */
  private void answered(Call call, @Nullable Reply reply, @Nullable Throwable failure) {
    call.reply = reply;
    call.failure = failure;
    outbox.put(new Outbox.Entry.Answered(call));
    wake();
  }

  private void wake() {
    ChannelHandlerContext ctx = context;
    if (ctx != null && outbox.claimWakeUp()) {
      ctx.executor().execute(() -> resume(ctx));
    }
  }

  private void resume(ChannelHandlerContext ctx) {
    outbox.awake();
    try {
      answer(ctx);
      flush(ctx);
      readOn(ctx);
      flush(ctx);
    } catch (Exception e) {
      exceptionCaught(ctx, e);
    }
  }

  // Answers

  /** Lets out what may leave: the outbox, and calls from the head of the lane. */
  private void answer(ChannelHandlerContext ctx) {
    if (answering || phase != Phase.OPEN && phase != Phase.ENDING) {
      return;
    }
    answering = true;
    try {
      boolean moved = true;
      while (moved && empty(ctx)) {
        Call head = lane.peek();
        moved = head != null && answerHead(ctx, head);
      }
    } finally {
      answering = false;
    }
  }

  /** Whether everything left the outbox, and more may follow. */
  private boolean empty(ChannelHandlerContext ctx) {
    while (ctx.channel().isWritable()) {
      Outbox.Entry entry = outbox.take();
      if (entry == null) {
        return true;
      }
      switch (entry) {
        case Outbox.Entry.Event event -> {
          floor = newer(floor, event.seen());
          Jute.writeEvent(gather(ctx), event.type(), event.path(), event.zxid());
          sent();
        }
        case Outbox.Entry.Answered answered -> answered.call().ready = true;
        case Outbox.Entry.Armed armed -> {
          floor = newer(floor, armed.state());
          reply(ctx, armed.call(), armed.state(), armed.error());
        }
        case Outbox.Entry.End end -> {
          // The end of the session may be the doing of a request whose answer is still to come.
          phase = Phase.ENDING;
          if (lane.isEmpty()) {
            endAfterWriting(ctx);
            return false;
          }
        }
      }
    }
    return false;
  }

  private static State newer(@Nullable State one, State other) {
    return one != null && one.zxid() > other.zxid() ? one : other;
  }

  /** Whether the head was answered, or has armed its watch. */
  private boolean answerHead(ChannelHandlerContext ctx, Call head) {
    if (head.isChange()) {
      return head.ready && answerChange(ctx, head);
    }
    if (head.ask instanceof Ask.Sync) {
      if (!head.ready) {
        return false;
      }
      if (head.failure != null) {
        drop(ctx);
        return false;
      }
    }
    if (head.ask.arms()) {
      if (!head.ready) {
        head.ready = true;
        arm(head);
        return true;
      }
      return false; // its answer is in the outbox
    }
    State state = stateFor(head);
    if (!empty(ctx)) { // events of that state leave first
      return false;
    }
    int error = sessionError(state);
    if (head.ask instanceof Ask.Ping && error == 0 && !isVouchedFor(state)) {
      drop(ctx);
      return false;
    }
    reply(ctx, head, state, error);
    if (head.ask instanceof Ask.Unknown) {
      endAfterWriting(ctx);
      return false;
    }
    return true;
  }

  private boolean answerChange(ChannelHandlerContext ctx, Call head) {
    Reply reply = head.reply;
    if (reply == null) {
      if (isDiskFull(head.failure)) {
        reply(ctx, head, server.coordinator().state(), Code.QUOTAEXCEEDED.number());
        return true;
      }
      // Not applied for want of a quorum, or unknown: the client asks another member.
      drop(ctx);
      return false;
    }
    afterLastChange = reply.state();
    if (reply.outcome() instanceof Outcome.Rejected rejected
        && rejected.code() == Code.SESSIONMOVED) {
      drop(ctx);
      return false;
    }
    reply(ctx, head, reply.zxid(), reply.state(), 0);
    if (head.ask instanceof Ask.CloseSession) {
      endAfterWriting(ctx);
      return false;
    }
    return true;
  }

  private static boolean isDiskFull(@Nullable Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof NotAppliedException refused
        && refused.reason() == NotAppliedException.Reason.DISK_FULL;
  }

  /** The newest state; but not one that may show a change which stands behind {@code read}. */
  private State stateFor(Call read) {
    Call.Gap where = read.gap;
    State before = where == null ? null : where.before;
    return before == null ? newest() : newer(afterLastChange, before);
  }

  /** What is published, or what the client has seen if that is newer. */
  private State newest() {
    State published = server.coordinator().state();
    State least = floor;
    if (least == null || published.zxid() >= least.zxid()) {
      floor = null;
      return published;
    }
    return least;
  }

  /** Not 0 when the session has ended: this connection is about to hear of it. */
  private int sessionError(State state) {
    if (checkedSessions != state.sessions()) {
      checkedSessions = state.sessions();
      sessionLives = state.session(sessionId).isPresent();
    }
    return sessionLives ? 0 : Code.SESSIONEXPIRED.number();
  }

  /** Whether this member may still say that the session lives. */
  private boolean isVouchedFor(State state) {
    return state.session(sessionId).map(server.sessions()::vouchesFor).orElse(false);
  }

  /** One step under the table's lock: look, arm, and put the answer behind all earlier events. */
  private void arm(Call call) {
    ConnectionWatches armed = watches;
    if (armed == null) {
      throw new IllegalStateException("no session yet");
    }
    server
        .watchTable()
        .atomically(
            state -> {
              // A session's end without ephemerals is published but not fired.
              int error = sessionError(server.coordinator().state());
              if (error == 0) {
                error = arm(call, armed, state);
              }
              outbox.put(new Outbox.Entry.Armed(call, state, error));
              return state;
            });
  }

  private static int arm(Call call, ConnectionWatches watches, State state) {
    return switch (call.ask) {
      case Ask.Exists exists -> {
        ZPath path = exists.path();
        int error = readable(state, path, call);
        if (path != null && (error == 0 || error == Code.NONODE.number())) {
          watches.watchData(path, ConnectionWatches.STANDARD);
        }
        yield error;
      }
      case Ask.GetData get -> {
        ZPath path = get.path();
        int error = readable(state, path, call);
        if (path != null && error == 0) {
          watches.watchData(path, ConnectionWatches.STANDARD);
        }
        yield error;
      }
      case Ask.GetChildren get -> {
        ZPath path = get.path();
        int error = readable(state, path, call);
        if (path != null && error == 0) {
          watches.watchChildren(path, ConnectionWatches.STANDARD);
        }
        yield error;
      }
      case Ask.AddWatch add -> {
        ZPath path = add.path();
        if (path != null && add.recursive()) {
          watches.watchRecursively(path);
        } else if (path != null) {
          watches.watchPersistently(path);
        }
        yield 0;
      }
      case Ask.SetWatches set -> {
        watches.resume(set, state);
        yield 0;
      }
      case Ask.CheckWatches check ->
          check.path() != null && watches.has(check.path(), check.kind())
              ? 0
              : Code.NOWATCHER.number();
      case Ask.RemoveWatches remove ->
          remove.path() != null && watches.remove(remove.path(), remove.kind())
              ? 0
              : Code.NOWATCHER.number();
      default -> throw new IllegalStateException(call.ask + " arms nothing");
    };
  }

  private static int readable(State state, @Nullable ZPath path, Call call) {
    Znode node = path == null ? null : state.find(path);
    return Replies.readable(node, call.identities);
  }

  private void reply(ChannelHandlerContext ctx, Call call, State state, int error) {
    reply(ctx, call, state.zxid(), state, error);
  }

  /** Writes the answer of the lane's head and lets go of what it held. */
  private void reply(ChannelHandlerContext ctx, Call call, long zxid, State state, int error) {
    lane.remove();
    laneBytes -= call.sizeBytes;
    lastZxid = Math.max(lastZxid, zxid);
    ByteBuf out = gather(ctx);
    int start = Jute.begin(out, call.ask instanceof Ask.Ping ? PING_XID : call.xid, lastZxid);
    Jute.end(out, start, error != 0 ? error : body(call, state, out));
    sent();
    server.traffic().outstanding.decrement();
    server.traffic().answered(System.nanoTime() - call.arrivedNs);
    if (call.holdsChanges()) {
      holding = false;
      while (!holding && !held.isEmpty()) {
        admit(held.remove());
      }
    }
    if (phase == Phase.ENDING && lane.isEmpty()) {
      endAfterWriting(ctx);
    }
  }

  private int body(Call call, State state, ByteBuf out) {
    Reply reply = call.reply;
    if (reply == null) {
      return Replies.read(call.ask, state, call.identities, sessionId, out);
    }
    return switch (call.ask) {
      case Ask.Change change -> Replies.change(change, reply.outcome(), out);
      case Ask.Changes several -> Replies.changes(several, reply.outcome(), out);
      default -> 0; // a session that had ended before is closed, too
    };
  }

  // Bytes out

  private void sent() {
    sentCount++;
    server.traffic().sent.increment();
  }

  /** Where the next frame goes; what has grown large is handed to the channel first. */
  private ByteBuf gather(ChannelHandlerContext ctx) {
    ByteBuf out = gathered;
    if (out != null && out.readableBytes() >= GATHER_BYTES) {
      ctx.write(out, ctx.voidPromise());
      out = null;
    }
    if (out == null) {
      out = ctx.alloc().ioBuffer(512);
      gathered = out;
    }
    return out;
  }

  private void flush(ChannelHandlerContext ctx) {
    ByteBuf out = gathered;
    gathered = null;
    if (out != null) {
      ctx.writeAndFlush(out, ctx.voidPromise());
    }
  }

  /** Ends it once everything written has left. */
  private void endAfterWriting(ChannelHandlerContext ctx) {
    phase = Phase.ENDED;
    limit(ctx, LINGER_MS);
    flush(ctx);
    ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
  }
}
