package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.quorate.testing.MemberProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A member on a real small disk, filled up, and given room again. Mounting it needs root. */
class DiskFullIT {
  private static final int BALLAST_BYTES = 96 << 20;
  private static final byte[] MEGABYTE = new byte[1 << 20];

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @Test
  void aFullDiskRefusesWritesThatGrowAndNothingElse(@TempDir Path dir) throws Exception {
    assumeTrue(
        System.getProperty("user.name").equals("root"),
        "a small disk is mounted, which needs root");
    Path disk = Files.createDirectory(dir.resolve("disk"));
    run("mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", disk.toString());
    try {
      fillAndFree(disk);
    } finally {
      run("umount", disk.toString());
    }
  }

  private void fillAndFree(Path disk) throws Exception {
    Path ballast = Files.write(disk.resolve("ballast"), new byte[BALLAST_BYTES]);
    try (MemberProcess member =
        MemberProcess.start(
                disk.resolve("data"),
                MemberProcess.freePort(),
                List.of("--quorate.log.checkpoint-after=32MB"))
            .awaitReady()) {
      int written = 0;
      HttpResponse<String> answer = put(member, written);
      while (answer.statusCode() == 201 && written < 400) {
        answer = put(member, ++written);
      }
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(507);
      assertThat(answer.body()).contains("\"not-applied\"");

      assertThat(send(member, "GET", "/znodes/n0", new byte[0]).statusCode()).isEqualTo(200);
      assertThat(send(member, "HEAD", "/znodes/n" + written, new byte[0]).statusCode())
          .isEqualTo(404);
      assertThat(send(member, "DELETE", "/znodes/n0", new byte[0]).statusCode()).isEqualTo(204);
      assertThat(member.isAlive()).isTrue();

      Files.delete(ballast);
      long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      do {
        TimeUnit.MILLISECONDS.sleep(200);
        answer = put(member, 1_000);
      } while (answer.statusCode() == 507 && System.nanoTime() < deadline);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
      System.out.println("DiskFullIT: 507 after " + written + " MiB, written again with room");
    }
  }

  private HttpResponse<String> put(MemberProcess member, int number)
      throws IOException, InterruptedException {
    return send(member, "PUT", "/znodes/n" + number, MEGABYTE);
  }

  private HttpResponse<String> send(MemberProcess member, String method, String path, byte[] body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(member.uri(path))
            .timeout(Duration.ofSeconds(20))
            .method(method, HttpRequest.BodyPublishers.ofByteArray(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as(String.join(" ", command) + ": " + output).isZero();
  }
}
