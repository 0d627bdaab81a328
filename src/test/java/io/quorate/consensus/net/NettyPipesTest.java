package io.quorate.consensus.net;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NettyPipesTest {
  private static final String HERE = "127.0.0.1:";

  @TempDir Path directory;

  private final List<NettyPipes> opened = new ArrayList<>();
  private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
  private final BlockingQueue<Integer> lost = new LinkedBlockingQueue<>();
  private final BlockingQueue<Integer> gone = new LinkedBlockingQueue<>();

  @AfterEach
  void closeAll() {
    opened.forEach(NettyPipes::close);
  }

  private static ByteBuffer frame(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  @Test
  void framesArriveInOrder() throws Exception {
    NettyPipes two = listen(0, Optional.empty());
    NettyPipes one = listen(0, Optional.empty());
    one.routes(Map.of(2, HERE + two.port()));
    awaitUp(one);

    for (int i = 0; i < 1000; i++) {
      assertThat(one.send(2, frame("frame " + i))).isTrue();
    }

    for (int i = 0; i < 1000; i++) {
      assertThat(received.poll(5, TimeUnit.SECONDS)).isEqualTo("frame " + i);
    }
  }

  @Test
  void aPeerThatComesBackIsReachedAgain() throws Exception {
    NettyPipes two = listen(0, Optional.empty());
    int port = two.port();
    NettyPipes one = listen(0, Optional.empty());
    one.routes(Map.of(2, HERE + port));
    awaitUp(one);

    two.close();
    assertThat(lost.poll(5, TimeUnit.SECONDS)).isEqualTo(2);
    assertThat(gone.poll(5, TimeUnit.SECONDS)).isEqualTo(2);
    assertThat(one.send(2, frame("!"))).isFalse();
    listen(port, Optional.empty());
    awaitUp(one);

    one.send(2, frame("again"));
    assertThat(received.poll(5, TimeUnit.SECONDS)).isEqualTo("again");
  }

  @Test
  void aPeerThatOnlyKeepsSilentIsGivenUp() throws Exception {
    try (ServerSocket silent = new ServerSocket(0)) {
      NettyPipes one = listen(0, Optional.empty());
      one.routes(Map.of(2, HERE + silent.getLocalPort()));

      silent.accept();
      silent.accept();

      assertThat(one.isUp(2)).isFalse();
    }
  }

  @Test
  void whoSpeaksAnotherProtocolIsTurnedAway() throws Exception {
    NettyPipes one = listen(0, Optional.empty());

    try (Socket socket = new Socket("127.0.0.1", one.port());
        OutputStream out = socket.getOutputStream()) {
      out.write("GET / HTTP/1.1\r\n\r\n".getBytes(UTF_8));
      out.flush();

      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void membersWithCertificatesOfOneSignerTalkAndOthersDoNot() throws Exception {
    Tls trusted = certificates("trusted");
    Tls stranger = certificates("stranger");
    NettyPipes two = listen(0, Optional.of(trusted));
    NettyPipes one = listen(0, Optional.of(trusted));
    NettyPipes other = listen(0, Optional.of(stranger));
    NettyPipes plain = listen(0, Optional.empty());
    Map<Integer, String> route = Map.of(2, HERE + two.port());
    one.routes(route);
    other.routes(route);
    plain.routes(route);
    awaitUp(one);

    one.send(2, frame("hello"));

    assertThat(received.poll(5, TimeUnit.SECONDS)).isEqualTo("hello");
    assertThat(other.isUp(2)).isFalse();
    assertThat(plain.isUp(2)).isFalse();
  }

  @Test
  void certificatesThatDoNotReadAreSaid() throws Exception {
    Path nothing = Files.writeString(directory.resolve("nothing.pem"), "nothing");

    assertThatThrownBy(() -> listen(0, Optional.of(new Tls(nothing, nothing, nothing))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("replication certificates");
  }

  private NettyPipes listen(int port, Optional<Tls> tls) throws IOException {
    NettyPipes pipes = NettyPipes.listen(HERE + port, tls);
    opened.add(pipes);
    pipes.start(frame -> received.add(new String(frame, UTF_8)), lost::add, gone::add);
    return pipes;
  }

  private static void awaitUp(NettyPipes pipes) throws InterruptedException {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (!pipes.isUp(2)) {
      assertThat(System.nanoTime()).as("up in time").isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(2);
    }
  }

  /** A self-signed certificate, made by the JDK's own tool, as PEM files. */
  private Tls certificates(String name) throws Exception {
    Path store = directory.resolve(name + ".p12");
    Process made =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "member",
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + name,
                "-ext",
                "SAN=ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-storepass",
                "changeit",
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(made.waitFor()).isZero();
    KeyStore keys = KeyStore.getInstance(store.toFile(), "changeit".toCharArray());
    PrivateKey key = (PrivateKey) keys.getKey("member", "changeit".toCharArray());
    Certificate certificate = keys.getCertificate("member");
    Path keyFile = pem(name + ".key", "PRIVATE KEY", key.getEncoded());
    Path certificateFile = pem(name + ".crt", "CERTIFICATE", certificate.getEncoded());
    return new Tls(certificateFile, keyFile, certificateFile);
  }

  private Path pem(String name, String kind, byte[] der) throws IOException {
    return Files.writeString(
        directory.resolve(name),
        "-----BEGIN "
            + kind
            + "-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
            + "\n-----END "
            + kind
            + "-----\n");
  }
}
