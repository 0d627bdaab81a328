package io.quorate.consensus.microraft;

import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.log.LogMetrics;
import io.quorate.consensus.net.Tls;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * How this member takes part.
 *
 * @param id this member's number, 1..254
 * @param dataDir everything durable lives under it; locked while this member runs
 * @param voters voters of the first formation, this member among them; empty for a group of one
 * @param observers members that never vote, at most two
 * @param electionTimeout how long a silent leader is trusted, at most
 * @param proposalTimeout after this a proposal without an answer is {@code Unknown}
 * @param segmentBytes size of a log segment
 * @param snapshotTriggerBytes so many bytes of entries after a checkpoint ask for the next one,
 *     each entry counting for some more than it has, see {@link CheckpointTurns}
 * @param diskReserveBytes room that must stay free for one checkpoint
 * @param clockMs what the leader stamps entries with, milliseconds since 1970
 * @param fatal told once, when this member can no longer take part; it should end the process
 * @param metrics told about the log
 * @param tls how members prove to each other who they are; empty for plain TCP
 */
public record ConsensusConfig(
    int id,
    Path dataDir,
    List<Member> voters,
    List<Member> observers,
    Duration electionTimeout,
    Duration proposalTimeout,
    long segmentBytes,
    long snapshotTriggerBytes,
    long diskReserveBytes,
    LongSupplier clockMs,
    Consumer<Throwable> fatal,
    LogMetrics metrics,
    Optional<Tls> tls) {

  private static final int MOST_OBSERVERS = 2;

  public ConsensusConfig {
    voters = List.copyOf(voters);
    observers = List.copyOf(observers);
    if (id < 1 || id > 254) {
      throw new IllegalArgumentException("quorate.id must be 1..254, and is " + id);
    }
    if (observers.size() > MOST_OBSERVERS) {
      throw new IllegalArgumentException(
          "quorate.observers may name at most two members, and names " + observers.size());
    }
    if (electionTimeout.toMillis() < 100) {
      throw new IllegalArgumentException(
          "quorate.election-timeout must be at least 100ms, and is " + electionTimeout);
    }
    if (!voters.isEmpty()
        && Stream.concat(voters.stream(), observers.stream()).noneMatch(m -> m.id() == id)) {
      throw new IllegalArgumentException(
          "quorate.members and quorate.observers must name this member, number " + id);
    }
    long numbers =
        Stream.concat(voters.stream(), observers.stream()).mapToInt(Member::id).distinct().count();
    if (numbers != voters.size() + observers.size()) {
      throw new IllegalArgumentException(
          "quorate.members and quorate.observers must give each member a number of its own");
    }
    if (segmentBytes < 4096) {
      throw new IllegalArgumentException("A log segment needs at least 4096 bytes");
    }
  }

  /** Where this member listens for others; empty when it listens nowhere. */
  Optional<String> address() {
    return Stream.concat(voters.stream(), observers.stream())
        .filter(member -> member.id() == id)
        .map(Member::address)
        .filter(address -> !address.isEmpty())
        .findFirst();
  }

  /** A group of one with the usual sizes; change what differs with {@link #toBuilder}. */
  public static Builder builder(int id, Path dataDir) {
    return new Builder(id, dataDir);
  }

  /** Collects what differs from the usual. */
  public static final class Builder {
    private final int id;
    private final Path dataDir;
    private List<Member> voters = List.of();
    private List<Member> observers = List.of();
    private Duration electionTimeout = Duration.ofSeconds(1);
    private Duration proposalTimeout = Duration.ofSeconds(10);
    private long segmentBytes = 8L << 20;
    private long snapshotTriggerBytes = 64L << 20;
    private long diskReserveBytes = 64L << 20;
    private LongSupplier clockMs = System::currentTimeMillis;
    private Consumer<Throwable> fatal = failure -> {};
    private LogMetrics metrics = LogMetrics.NONE;
    private Optional<Tls> tls = Optional.empty();

    private Builder(int id, Path dataDir) {
      this.id = id;
      this.dataDir = dataDir;
    }

    public Builder voters(List<Member> members) {
      voters = members;
      return this;
    }

    public Builder observers(List<Member> members) {
      observers = members;
      return this;
    }

    public Builder electionTimeout(Duration timeout) {
      electionTimeout = timeout;
      return this;
    }

    public Builder proposalTimeout(Duration timeout) {
      proposalTimeout = timeout;
      return this;
    }

    public Builder segmentBytes(long bytes) {
      segmentBytes = bytes;
      return this;
    }

    public Builder snapshotTriggerBytes(long bytes) {
      snapshotTriggerBytes = bytes;
      return this;
    }

    public Builder diskReserveBytes(long bytes) {
      diskReserveBytes = bytes;
      return this;
    }

    public Builder clockMs(LongSupplier clock) {
      clockMs = clock;
      return this;
    }

    public Builder fatal(Consumer<Throwable> handler) {
      fatal = handler;
      return this;
    }

    public Builder metrics(LogMetrics listener) {
      metrics = listener;
      return this;
    }

    public Builder tls(Tls files) {
      tls = Optional.of(files);
      return this;
    }

    public ConsensusConfig build() {
      return new ConsensusConfig(
          id,
          dataDir,
          voters,
          observers,
          electionTimeout,
          proposalTimeout,
          segmentBytes,
          snapshotTriggerBytes,
          diskReserveBytes,
          clockMs,
          fatal,
          metrics,
          tls);
    }
  }
}
