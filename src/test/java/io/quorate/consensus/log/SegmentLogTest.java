package io.quorate.consensus.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentLogTest {
  private static final SegmentLog.Options SMALL = new SegmentLog.Options(8192, 2, 0);

  @TempDir Path directory;

  @Test
  void whatWasFlushedIsReadBackAfterACrash() throws IOException {
    SegmentLog log = open();
    append(log, 1, 100);
    log.flush();

    List<LogRecord> found = recovered(open(), 0);

    assertThat(found).hasSize(100);
    assertThat(found.get(99).index()).isEqualTo(100);
    assertThat(found.get(41).payload()).isEqualTo(payload(42, 42));
    assertThat(segments()).hasSizeGreaterThan(1);
  }

  @Test
  void aRandomHistoryOfAppendsCutsResetsAndRestartsIsKept() throws IOException {
    long seed = Long.getLong("quorate.seed", System.nanoTime());
    Random random = new Random(seed);
    List<LogRecord> model = new ArrayList<>();
    long last = 0;
    long base = 0;
    SegmentLog log = open();
    for (int step = 0; step < 3000; step++) {
      switch (random.nextInt(20)) {
        case 0 -> {
          if (last > base) {
            long from = base + 1 + random.nextInt((int) (last - base));
            log.cutFrom(from);
            model.removeIf(r -> r.index() >= from);
            last = from - 1;
          }
        }
        case 1 -> log.flush();
        case 2 -> {
          if (random.nextInt(10) == 0) {
            last += 1 + random.nextInt(50);
            base = last;
            log.reset(last, 7);
            model.clear();
          }
        }
        case 3 -> {
          if (last > base && random.nextInt(4) == 0) {
            base += random.nextInt((int) (last - base) + 1);
            long until = base;
            log.flush();
            log.discardUntil(until);
            model.removeIf(r -> r.index() <= until);
          }
        }
        case 4 -> {
          if (random.nextBoolean()) {
            log.close();
          } else {
            log.flush();
          }
          log = open();
          List<LogRecord> found = recovered(log, base);
          assertThat(log.lastIndex()).as("seed %d", seed).isEqualTo(last);
          assertSame(found, model, seed);
        }
        case 5 -> {
          if (!model.isEmpty()) {
            LogRecord any = model.get(random.nextInt(model.size()));
            assertThat(log.read(any.place(), any.index()))
                .as("seed %d", seed)
                .isEqualTo(any.payload());
          }
        }
        default -> {
          last++;
          byte[] payload = payload(last, random.nextInt(900));
          model.add(new LogRecord(last, 7, log.append(last, 7, payload), payload));
        }
      }
    }
  }

  @Test
  void anEntryThatIsNotWhereItWasWrittenIsToldAndNotGiven() throws IOException {
    SegmentLog log = open();
    long place = log.append(1, 1, payload(1, 100));
    log.append(2, 1, payload(2, 100));
    log.flush();
    try (FileChannel channel = FileChannel.open(segments().get(0), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), (int) place + 60);
    }

    assertThatThrownBy(() -> log.read(place, 1))
        .isInstanceOf(CorruptLogException.class)
        .hasMessageContaining("entry 1");
  }

  @Test
  void aTornLastRecordIsCutWhereverItTears() throws IOException {
    SegmentLog log = open();
    append(log, 1, 3);
    log.flush();
    long before = used();
    log.append(4, 1, payload(4, 61));
    log.flush();
    byte[] whole = Files.readAllBytes(segments().get(0));
    long after = used();

    for (int keep = (int) before; keep < after; keep++) {
      byte[] torn = whole.clone();
      java.util.Arrays.fill(torn, keep, torn.length, (byte) 0);
      if (java.util.Arrays.equals(torn, whole)) {
        continue;
      }
      restoreTo(torn);

      SegmentLog opened = open();
      assertThat(opened.lastIndex()).as("torn at %d", keep).isEqualTo(3);
      opened.append(4, 2, payload(44, 10));
      opened.flush();

      List<LogRecord> found = recovered(open(), 0);
      assertThat(found).hasSize(4);
      assertThat(found.get(3).term()).isEqualTo(2);
    }
  }

  @Test
  void aTornRecordNeverLendsItsSuccessorToANewOne() throws IOException {
    SegmentLog log = open();
    append(log, 1, 2);
    log.flush();
    long at = used();
    log.append(3, 1, payload(3, 64));
    log.append(4, 1, payload(4, 64));
    log.flush();
    byte[] bytes = Files.readAllBytes(segments().get(0));
    bytes[(int) at + 50] ^= 1;
    // Both were in one flush, so nobody was told that record 3 is durable: it may go.
    restoreTo(bytes);

    SegmentLog opened = open();
    assertThat(opened.lastIndex()).isEqualTo(2);
    opened.append(3, 2, payload(33, 64));
    opened.flush();

    assertThat(recovered(open(), 0)).hasSize(3);
  }

  @Test
  void aFlippedBitBelowWhatWasPromisedRefusesToStart() throws IOException {
    SegmentLog log = open();
    append(log, 1, 5);
    log.flush();
    long end = used();
    log.append(6, 1, payload(6, 20));
    log.flush();
    log.append(7, 1, payload(7, 20));
    log.flush();
    byte[] whole = Files.readAllBytes(segments().get(0));

    int refused = 0;
    for (int at = 40; at < end; at += 3) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 0x10;
      restoreTo(flipped);
      try {
        // A flip in the padding changes nothing; anywhere else it must not go unnoticed.
        assertThat(recovered(open(), 0)).hasSize(7);
      } catch (CorruptLogException e) {
        refused++;
        assertThat(e).hasMessageContaining("0000000000000001.log").hasMessageContaining("offset");
      }
    }
    assertThat(refused).isGreaterThan((int) (end - 40) / 3 * 8 / 10);
  }

  @Test
  void afterACleanCloseEvenTheLastRecordIsGuarded() throws IOException {
    SegmentLog log = open();
    append(log, 1, 3);
    log.close();
    byte[] bytes = Files.readAllBytes(segments().get(0));
    bytes[40 + 40] ^= 1;
    restoreTo(bytes);

    assertThatThrownBy(this::open).isInstanceOf(CorruptLogException.class);
  }

  @Test
  void aMissingSegmentRefusesToStart() throws IOException {
    SegmentLog log = open();
    append(log, 1, 200);
    log.flush();
    assertThat(segments()).hasSizeGreaterThan(3);
    Files.delete(segments().get(1));

    assertThatThrownBy(this::open)
        .isInstanceOf(CorruptLogException.class)
        .hasMessageContaining("missing");
  }

  @Test
  void aDamagedHeaderRefusesToStart() throws IOException {
    SegmentLog log = open();
    append(log, 1, 2);
    log.flush();
    byte[] bytes = Files.readAllBytes(segments().get(0));
    bytes[3] ^= 1;
    restoreTo(bytes);

    assertThatThrownBy(this::open).isInstanceOf(CorruptLogException.class);
  }

  @Test
  void discardedSegmentsBecomeSparesAndTheirOldRecordsStayDead() throws IOException {
    SegmentLog log = open();
    for (int round = 0; round < 20; round++) {
      append(log, log.lastIndex() + 1, log.lastIndex() + 60);
      log.flush();
      log.discardUntil(log.lastIndex() - 1);
      log = open();
      assertThat(recovered(log, log.lastIndex() - 1)).hasSize(1);
    }
    assertThat(segments()).hasSize(1);
  }

  @Test
  void aProcessThatDiesBeforeItEntersAUsedSegmentLosesNothing() throws IOException {
    boolean[] dies = {false};
    Disk disk = diesBeforeAHeader(dies);
    SegmentLog log = SegmentLog.open(disk, SMALL, Runnable::run, LogMetrics.NONE);
    append(log, 1, 400);
    log.flush();
    log.discardUntil(399);
    // Those that were only filled with zeros are taken first.
    append(log, 401, 650);
    log.flush();
    assertThat(Files.list(directory).filter(f -> f.getFileName().toString().startsWith("spare-")))
        .hasSizeGreaterThan(SMALL.spares());
    dies[0] = true;
    long[] durable = {log.lastIndex()};
    assertThatThrownBy(
            () -> {
              while (true) {
                append(log, log.lastIndex() + 1, log.lastIndex() + 1);
                log.flush();
                durable[0] = log.lastIndex();
              }
            })
        .hasMessage("killed");

    SegmentLog again = open();

    assertThat(again.lastIndex()).isGreaterThanOrEqualTo(durable[0]);
    long next = again.lastIndex() + 1;
    append(again, next, next + 100);
    again.flush();
    assertThat(open().lastIndex()).isEqualTo(next + 100);
  }

  /** What stands at the begin of a file is not written any more. */
  private Disk diesBeforeAHeader(boolean[] dies) throws IOException {
    var real = new FileDisk(directory);
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              Object result = method.invoke(real, arguments);
              if (!method.getName().equals("openToAppend")) {
                return result;
              }
              return Proxy.newProxyInstance(
                  Disk.class.getClassLoader(),
                  new Class<?>[] {Disk.DiskFile.class},
                  (file, call, given) -> {
                    if (dies[0] && call.getName().equals("write") && (long) given[1] == 0) {
                      throw new IOException("killed");
                    }
                    return call.invoke(result, given);
                  });
            });
  }

  @Test
  void aRecordLargerThanASegmentGetsOneOfItsOwn() throws IOException {
    SegmentLog log = open();
    log.append(1, 1, payload(1, 50_000));
    log.append(2, 1, payload(2, 5));
    log.flush();

    List<LogRecord> found = recovered(open(), 0);

    assertThat(found).hasSize(2);
    assertThat(found.get(0).payload()).isEqualTo(payload(1, 50_000));
  }

  @Test
  void aSmallFileIsReplacedWholeAndDamageIsSeen() throws IOException {
    SmallFile file = new SmallFile(new FileDisk(directory), "term");
    assertThat(file.read()).isEmpty();
    file.write(new byte[] {1, 2, 3});
    file.write(new byte[] {4});
    assertThat(file.read().orElseThrow()).containsExactly(4);

    byte[] bytes = Files.readAllBytes(directory.resolve("term"));
    bytes[12] ^= 1;
    Files.write(directory.resolve("term"), bytes);

    assertThatThrownBy(file::read).isInstanceOf(CorruptLogException.class);
  }

  @Test
  void aSecondHolderOfTheDirectoryIsRefused() throws IOException {
    try (DirectoryLock held = DirectoryLock.acquire(directory)) {
      assertThatThrownBy(() -> DirectoryLock.acquire(directory))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("in use by another process");
    }
    DirectoryLock.acquire(directory).close();
  }

  private SegmentLog open() throws IOException {
    return SegmentLog.open(new FileDisk(directory), SMALL, Runnable::run, LogMetrics.NONE);
  }

  private static void append(SegmentLog log, long from, long to) throws IOException {
    for (long index = from; index <= to; index++) {
      log.append(index, 1, payload(index, (int) (index % 400)));
    }
  }

  private static byte[] payload(long seed, int size) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private List<Path> segments() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(p -> p.toString().endsWith(".log")).sorted().toList();
    }
  }

  private long used() throws IOException {
    byte[] bytes = Files.readAllBytes(segments().get(0));
    int end = bytes.length;
    while (bytes[end - 1] == 0) {
      end--;
    }
    return (end + 7) & ~7;
  }

  private void restoreTo(byte[] bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            segments().get(0), StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
      channel.write(ByteBuffer.wrap(bytes));
    }
  }

  static List<LogRecord> recovered(SegmentLog log, long index) throws IOException {
    var found = new ArrayList<LogRecord>();
    log.recoveredAfter(index, found::add);
    return found;
  }

  private static void assertSame(List<LogRecord> found, List<LogRecord> model, long seed) {
    assertThat(found).as("seed %d", seed).hasSameSizeAs(model);
    for (int i = 0; i < model.size(); i++) {
      assertThat(found.get(i).index()).as("seed %d", seed).isEqualTo(model.get(i).index());
      assertThat(found.get(i).place()).as("seed %d", seed).isEqualTo(model.get(i).place());
      assertThat(found.get(i).payload()).as("seed %d", seed).isEqualTo(model.get(i).payload());
    }
  }
}
