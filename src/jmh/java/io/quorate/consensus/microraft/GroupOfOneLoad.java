package io.quorate.consensus.microraft;

import io.quorate.consensus.LogConsumer;
import io.quorate.consensus.Replicator.Proposal;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** How many proposals a second does a group of one take, at 1 and at 64 in flight, fsync on? */
public final class GroupOfOneLoad {
  private GroupOfOneLoad() {}

  public static void main(String[] args) throws Exception {
    Path directory = Path.of(args.length > 0 ? args[0] : "target/load");
    for (int round = 0; round < 3; round++) {
      long begun = System.nanoTime();
      Path data = Files.createTempDirectory(Files.createDirectories(directory), "load");
      CompletableFuture<Void> led = new CompletableFuture<>();
      MicroRaftReplicator replicator =
          MicroRaftReplicator.open(ConsensusConfig.builder(1, data).build());
      replicator.onLeadership(
          now -> {
            if (now.localLeader()) {
              led.complete(null);
            }
          });
      replicator.start(new Forgetful(replicator));
      led.get(10, TimeUnit.SECONDS);
      replicator.propose(new byte[10]).toCompletableFuture().get();
      System.out.printf(
          "first commit on an empty directory after %.1f ms%n", (System.nanoTime() - begun) / 1e6);
      for (int flight : new int[] {1, 1, 64, 64, 256}) {
        run(replicator, flight, 100);
      }
      run(replicator, 4, 64_000);
      long closing = System.nanoTime();
      replicator.close();
      System.out.printf("closed in %.1f ms%n", (System.nanoTime() - closing) / 1e6);
    }
  }

  static void run(MicroRaftReplicator replicator, int flight, int bytes)
      throws InterruptedException {
    int total = 200_000;
    long[] nanos = new long[total];
    AtomicInteger done = new AtomicInteger();
    Semaphore free = new Semaphore(flight);
    long start = System.nanoTime();
    int sent = 0;
    while (System.nanoTime() - start < 3_000_000_000L && sent < total) {
      free.acquire();
      long from = System.nanoTime();
      sent++;
      replicator
          .propose(new byte[bytes])
          .thenAccept(
              answer -> {
                if (!(answer instanceof Proposal.Committed)) {
                  throw new IllegalStateException(answer.toString());
                }
                nanos[done.getAndIncrement()] = System.nanoTime() - from;
                free.release();
              });
    }
    free.acquire(flight);
    double seconds = (System.nanoTime() - start) / 1e9;
    long[] sorted = Arrays.copyOf(nanos, done.get());
    Arrays.sort(sorted);
    System.out.printf(
        "%3d in flight, %5d B: %6.0f/s, p50 %.3f ms, p99 %.3f ms%n",
        flight,
        bytes,
        sorted.length / seconds,
        sorted[sorted.length / 2] / 1e6,
        sorted[sorted.length * 99 / 100] / 1e6);
  }

  record Forgetful(MicroRaftReplicator replicator) implements LogConsumer {
    @Override
    public RestorePoint restorePoint() {
      return RestorePoint.NONE;
    }

    @Override
    public void committed(long index, long stampMs, byte[] entry) {}

    @Override
    public void passed(long index) {}

    @Override
    public void newTerm(long index, long term, int leaderId, long stampMs) {}

    @Override
    public void checkpoint(long index, byte[] logMeta) {
      replicator.checkpointDurable(index);
    }

    @Override
    public byte[] answer(int fromMember, byte[] question) {
      return question;
    }

    @Override
    public CompletionStage<Image> imageAt(long index) {
      return new CompletableFuture<>();
    }

    @Override
    public void install(long index, byte[] logMeta, InputStream image) {}
  }
}
