package io.quorate.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.Seeds;
import io.quorate.bytes.ByteWriter;
import io.quorate.state.RandomCommands;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.state.StateMachine;
import io.quorate.state.States;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CheckpointCodecTest {
  @Test
  void aStateComesBackFromAWholeCheckpoint() {
    Seeds.each(
        20,
        seed -> {
          State state = stateAfter(seed, 400);
          var store = new Store();

          store.take(state, null);

          assertThat(States.describe(store.restored())).isEqualTo(States.describe(state));
        });
  }

  @Test
  void aStateComesBackFromCheckpointsThatOnlyWroteDifferences() {
    Seeds.each(
        20,
        seed -> {
          var commands = new RandomCommands(seed);
          State state = State.initial(RandomCommands.TIGHT);
          @Nullable State since = null;
          var store = new Store();

          for (int i = 0; i < 600; i++) {
            state = StateMachine.apply(state, commands.submission(), commands.stamp()).state();
            if (i % 37 == 0) {
              store.take(state, since);
              since = state;
            }
          }
          store.take(state, since);

          assertThat(States.describe(store.restored())).isEqualTo(States.describe(state));
        });
  }

  @Test
  void aStateComesBackFromAnImage() {
    Seeds.each(
        20,
        seed -> {
          State state = stateAfter(seed, 400);

          State restored = imageRead(image(state));

          assertThat(States.describe(restored)).isEqualTo(States.describe(state));
        });
  }

  @Test
  void theHistoryIsWrittenOnce() {
    var commands = new RandomCommands(5);
    State state = State.initial(new Settings(1 << 20, 100_000, 1 << 30, 1, 1, 1, 1, 1, 1, false));
    long written = 0;
    CheckpointCodec.Written since = CheckpointCodec.Written.NOTHING;
    for (int i = 1; i <= 6_000; i++) {
      state = StateMachine.apply(state, commands.submission(), commands.stamp()).state();
      if (i % 1_000 == 0) {
        var bytes = new AtomicLong();
        CheckpointCodec.write(
            state,
            since,
            new CheckpointCodec.Sink() {
              @Override
              public void put(String map, byte[] key, byte[] value) {
                bytes.addAndGet(map.equals(CheckpointCodec.HISTORY) ? value.length : 0);
              }

              @Override
              public void remove(String map, byte[] key) {
                assertThat(map).isNotEqualTo(CheckpointCodec.HISTORY);
              }

              @Override
              public void clear(String map) {
                remove(map, new byte[0]);
              }
            });
        written += bytes.get();
        since = CheckpointCodec.Written.of(state);
      }
    }
    assertThat(written)
        .isBetween(state.history().weightBytes(), state.history().weightBytes() + 6 * (1 << 20));
  }

  @Test
  void aCheckpointOfVersion1IsReadAndNotBuiltUpon() throws CorruptCheckpointException {
    State state = stateAfter(6, 400);
    var store = new Store();
    store.take(state, null);
    assertThat(CheckpointCodec.isCurrent(store.header)).isTrue();

    byte[] name = "version".getBytes(StandardCharsets.UTF_8);
    store.header.put("version", new ByteWriter(8).number(1).sealed(name));
    SortedMap<byte[], byte[]> entries = store.entries(CheckpointCodec.HISTORY);
    var runs = List.copyOf(entries.values());
    entries.clear();
    for (byte[] run : runs) {
      var in = ByteBuffer.wrap(run, 0, run.length - Integer.BYTES);
      while (in.hasRemaining()) {
        int length = in.getInt();
        long zxid = in.getLong();
        in.getInt();
        byte[] body = new byte[length - 16];
        in.get(body);
        if (zxid > state.history().heldAfter()) {
          byte[] key = new ByteWriter(8).fixed(zxid ^ Long.MIN_VALUE).toArray();
          entries.put(key, new ByteWriter(length).raw(body).sealed(key));
        }
      }
    }

    assertThat(entries.size()).isGreaterThan(10);
    assertThat(States.describe(store.restored())).isEqualTo(States.describe(state));
    assertThat(CheckpointCodec.isCurrent(store.header)).isFalse();
  }

  @Test
  void aLostEntryIsNoticedInEveryMap() {
    State state = stateAfter(3, 400);
    for (String map : CheckpointCodec.MAPS) {
      var store = new Store();
      store.take(state, null);
      SortedMap<byte[], byte[]> entries = store.entries(map);
      assertThat(entries).as(map).isNotEmpty();

      entries.remove(entries.lastKey());

      assertThatThrownBy(store::read).isInstanceOf(CorruptCheckpointException.class);
    }
  }

  @Test
  void everyFlippedByteOfACheckpointIsNoticed() {
    State state = stateAfter(4, 60);
    var intact = new Store();
    intact.take(state, null);
    var random = new Random(4);
    for (String map : CheckpointCodec.MAPS) {
      for (byte[] key : intact.entries(map).keySet()) {
        var store = new Store();
        store.take(state, null);
        byte[] value = Objects.requireNonNull(store.entries(map).get(key));
        value[random.nextInt(value.length)] ^= (byte) (1 << random.nextInt(8));

        assertThatThrownBy(store::read).isInstanceOf(CorruptCheckpointException.class);
      }
    }
    for (String name : intact.header.keySet()) {
      var store = new Store();
      store.take(state, null);
      byte[] value = Objects.requireNonNull(store.header.get(name));
      value[random.nextInt(value.length)] ^= (byte) (1 << random.nextInt(8));

      assertThatThrownBy(store::read).isInstanceOf(CorruptCheckpointException.class);
    }
  }

  @Test
  void everyCutAndEveryFlippedByteOfAnImageIsNoticed() {
    byte[] image = image(stateAfter(4, 60));
    var random = new Random(4);

    for (int at = 0; at < image.length; at++) {
      byte[] flipped = image.clone();
      flipped[at] ^= (byte) (1 << random.nextInt(8));
      assertThatThrownBy(() -> ImageCodec.read(new ByteArrayInputStream(flipped)))
          .isInstanceOf(CorruptImageException.class);
      byte[] cut = Arrays.copyOf(image, at);
      assertThatThrownBy(() -> ImageCodec.read(new ByteArrayInputStream(cut)))
          .isInstanceOf(CorruptImageException.class);
    }
  }

  private static State stateAfter(long seed, int count) {
    var commands = new RandomCommands(seed);
    State state = State.initial(RandomCommands.TIGHT);
    for (int i = 0; i < count; i++) {
      state = StateMachine.apply(state, commands.submission(), commands.stamp()).state();
    }
    return StateMachine.admitted(state, 2, 3, 4);
  }

  private static byte[] image(State state) {
    var out = new ByteArrayOutputStream();
    try {
      ImageCodec.write(state, out);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }

  private static State imageRead(byte[] image) {
    try {
      return ImageCodec.read(new ByteArrayInputStream(image));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
