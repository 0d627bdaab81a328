package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.web.Raw.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * {@code openapi/quorate.yaml} is what the program says of itself; {@code -Dopenapi=write} makes it
 * so.
 */
class OpenApiTest {
  private static final Path COMMITTED = Path.of("openapi", "quorate.yaml");

  @Test
  void theCommittedDescriptionIsTheServedOne() throws IOException {
    try (WebServer server = WebServer.start()) {
      String served = server.http().get("/v3/api-docs.yaml").text();
      if ("write".equals(System.getProperty("openapi"))) {
        Files.createDirectories(COMMITTED.getParent());
        Files.writeString(COMMITTED, served);
      }

      assertThat(Files.readString(COMMITTED))
          .as("after a change of the API: mvn test -Dtest=OpenApiTest -Dopenapi=write")
          .isEqualTo(served);
    }
  }

  @Test
  void everyOperationHasAnExample() {
    try (WebServer server = WebServer.start()) {
      JsonNode paths = server.http().get("/v3/api-docs").json().path("paths");
      var without = new ArrayList<String>();
      for (var path : paths.properties()) {
        for (var operation : path.getValue().properties()) {
          if (!operation.getValue().toString().contains("\"example")) {
            without.add(operation.getKey() + " " + path.getKey());
          }
        }
      }

      assertThat(without).isEmpty();
      assertThat(paths.propertyNames())
          .containsExactlyInAnyOrder(
              "/znodes",
              "/txn",
              "/diff",
              "/watch",
              "/sessions",
              "/sessions/{id}",
              "/cluster",
              "/cluster/leader",
              "/cluster/members",
              "/cluster/members/{id}");
    }
  }

  @Test
  void thePageThatShowsItIsThere() {
    try (WebServer server = WebServer.start()) {
      Answer redirect = server.http().get("/swagger-ui.html");
      Answer page = server.http().get(redirect.header("Location"));

      assertThat(redirect.status()).isEqualTo(302);
      assertThat(page.status()).isEqualTo(200);
      assertThat(page.text()).contains("Swagger UI");
      for (String part : List.of("swagger-ui-bundle.js", "swagger-ui.css")) {
        assertThat(server.http().get("/swagger-ui/" + part).status()).as(part).isEqualTo(200);
      }
    }
  }
}
