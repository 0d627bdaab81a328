import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Produces and consumes all the time, and does what it is told line by line: {@code topic NAME},
 * {@code more COUNT} (waits until so many more records were acknowledged and consumed), {@code
 * replicas} (waits until every partition has two replicas in sync), {@code end} (every acknowledged
 * record was consumed). Answers each line with one that begins with ok or FAILS.
 */
public final class KafkaCheck {
  private static final Duration LIMIT = Duration.ofSeconds(90);

  private final String bootstrap;
  private final Admin admin;
  private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
  private final Set<String> consumed = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean producing = new AtomicBoolean(true);
  private final AtomicBoolean consuming = new AtomicBoolean(true);

  private KafkaCheck(String bootstrap) {
    this.bootstrap = bootstrap;
    this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
  }

  public static void main(String[] arguments) throws Exception {
    var check = new KafkaCheck(arguments[0]);
    var lines = new BufferedReader(new InputStreamReader(System.in));
    boolean started = false;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String answer;
      try {
        String[] words = line.split(" ");
        switch (words[0]) {
          case "topic" -> check.topic(words[1]);
          case "more" -> check.more(Integer.parseInt(words[1]));
          case "replicas" -> check.replicas();
          case "end" -> check.end();
          default -> throw new IllegalArgumentException(line);
        }
        if (!started) {
          started = true;
          check.start();
        }
        answer = "ok " + line + ": " + check.acknowledged.size() + " records acknowledged";
      } catch (Exception e) {
        answer = "FAILS " + line + ": " + e;
      }
      System.out.println(answer);
    }
    System.exit(0);
  }

  private void start() {
    Thread.ofPlatform().daemon().start(this::produce);
    Thread.ofPlatform().daemon().start(this::consume);
  }

  private void produce() {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", bootstrap, "acks", "all", "linger.ms", 5);
    try (var producer =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int number = 0; producing.get(); number++) {
        String value = "record-" + number;
        producer.send(
            new ProducerRecord<>("events", value, value),
            (metadata, failure) -> {
              if (failure == null) {
                acknowledged.add(value);
              }
            });
        Thread.sleep(2);
      }
      producer.flush();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void consume() {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", bootstrap, "group.id", "check", "auto.offset.reset", "earliest");
    try (var consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of("events"));
      while (consuming.get()) {
        consumer.poll(Duration.ofMillis(200)).forEach(record -> consumed.add(record.value()));
      }
    }
  }

  private void topic(String name) throws Exception {
    admin.createTopics(List.of(new NewTopic(name, 4, (short) 2))).all().get();
    until(() -> admin.describeTopics(List.of(name)).allTopicNames().get().get(name)
        .partitions().stream().allMatch(p -> p.leader() != null && !p.leader().isEmpty()));
  }

  private void more(int count) throws Exception {
    int sent = acknowledged.size() + count;
    int read = consumed.size() + count;
    until(() -> acknowledged.size() >= sent && consumed.size() >= read);
  }

  private void replicas() throws Exception {
    until(
        () -> {
          for (TopicDescription each :
              admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get().values()) {
            if (!each.partitions().stream().allMatch(p -> p.isr().size() == 2)) {
              return false;
            }
          }
          return true;
        });
  }

  private void end() throws Exception {
    producing.set(false);
    until(() -> consumed.containsAll(acknowledged));
    consuming.set(false);
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void until(Condition condition) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    Exception last = null;
    while (System.nanoTime() < deadline) {
      try {
        if (condition.holds()) {
          return;
        }
      } catch (java.util.concurrent.ExecutionException e) {
        last = e; // on its way to a new leader
      }
      Thread.sleep(100);
    }
    throw new IllegalStateException("not within " + LIMIT, last);
  }
}
