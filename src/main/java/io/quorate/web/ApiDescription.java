package io.quorate.web;

import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.info.License;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import io.swagger.v3.oas.models.servers.Server;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.utils.SpringDocUtils;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What all operations share, for {@code /v3/api-docs} and {@code openapi/quorate.yaml}. */
@Configuration(proxyBeanMethods = false)
class ApiDescription {
  static {
    SpringDocUtils.getConfig().addResponseTypeToIgnore(Response.class);
  }

  @Bean
  OpenAPI quorateApi() {
    return new OpenAPI()
        .info(
            new Info()
                .title("Quorate")
                .version("1")
                .description(
                    "Small facts kept true on several machines at once: ZooKeeper's tree over HTTP."
                        + " A znode is found at /znodes/<path> as well; /znodes?path= names the"
                        + " same resource.")
                .license(new License().name("Apache-2.0")))
        .servers(List.of(new Server().url("/").description("this member")))
        .components(
            new Components()
                .addSecuritySchemes(
                    "basic", new SecurityScheme().type(SecurityScheme.Type.HTTP).scheme("basic"))
                .addSecuritySchemes(
                    "session",
                    new SecurityScheme()
                        .type(SecurityScheme.Type.APIKEY)
                        .in(SecurityScheme.In.HEADER)
                        .name("Quorate-Session")
                        .description("the token of POST /sessions")))
        .security(
            List.of(
                new SecurityRequirement(),
                new SecurityRequirement().addList("basic"),
                new SecurityRequirement().addList("session")));
  }

  @Bean
  OpenApiCustomizer whatAllOperationsShare() {
    return api -> {
      api.getPaths().remove("/znodes/**");
      ModelConverters.getInstance(true)
          .readAll(ApiShapes.ProblemDocument.class)
          .forEach(api.getComponents()::addSchemas);
      api.getPaths()
          .values()
          .forEach(path -> path.readOperations().forEach(ApiDescription::complete));
    };
  }

  private static void complete(Operation operation) {
    for (Map.Entry<String, ApiResponse> each : operation.getResponses().entrySet()) {
      each.getValue()
          .addHeaderObject(
              Response.ZXID,
              new Header()
                  .description("the state answered from")
                  .schema(new StringSchema().example("0x2a")));
    }
    operation.getResponses().addApiResponse("default", problem());
  }

  private static ApiResponse problem() {
    var example = new LinkedHashMap<String, Object>();
    example.put("type", "about:blank");
    example.put("title", "Not Found");
    example.put("status", 404);
    example.put("detail", "there is no /app");
    example.put("instance", "/znodes/app");
    example.put("code", "NONODE");
    example.put("path", "/app");
    example.put("outcome", "not-applied");
    return new ApiResponse()
        .description("it did not come to that")
        .content(
            new Content()
                .addMediaType(
                    "application/problem+json",
                    new MediaType()
                        .schema(new Schema<>().$ref("#/components/schemas/Problem"))
                        .example(example)));
  }
}
