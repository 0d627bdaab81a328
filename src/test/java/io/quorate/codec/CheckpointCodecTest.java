package io.quorate.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.Seeds;
import io.quorate.state.RandomCommands;
import io.quorate.state.State;
import io.quorate.state.StateMachine;
import io.quorate.state.States;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
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
