package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The short form of {@code tools/fault-campaign}: {@code -Dquorate.campaign.seconds}, {@code
 * -Dquorate.campaign.members} and {@code -Dquorate.seed} make it another.
 */
class FaultCampaignIT {
  @Test
  void faultsLoseNothingAndEveryKeyIsLinearizable(@TempDir Path dir) throws Exception {
    int seconds = Integer.getInteger("quorate.campaign.seconds", 75);
    int size = Integer.getInteger("quorate.campaign.members", 3);
    long seed = Long.getLong("quorate.seed", System.nanoTime());
    System.out.println("FaultCampaignIT, -Dquorate.seed=" + seed);
    try (var campaign = new FaultCampaign(size, seed, dir)) {
      FaultCampaign.Report report = campaign.run(Duration.ofSeconds(seconds));
      System.out.println("FaultCampaignIT:\n" + report.markdown());
      Files.writeString(
          Path.of("target", "fault-campaign-" + size + ".md"),
          report.markdown(),
          StandardCharsets.UTF_8);
      if (!report.violations().isEmpty()) {
        campaign.copyOutputsTo(Path.of("target", "fault-campaign-" + size));
      }

      assertThat(report.violations()).isEmpty();
      assertThat(report.operations()).containsKeys(Operation.Kind.values());
      assertThat(report.createdNodes()).isPositive();
    }
  }
}
