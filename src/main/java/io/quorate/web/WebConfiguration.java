package io.quorate.web;

import io.quorate.server.Coordinator;
import java.util.List;
import org.apache.catalina.core.StandardHost;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.validation.Errors;
import org.springframework.validation.Validator;
import org.springframework.web.filter.ServerHttpObservationFilter;
import org.springframework.web.method.support.HandlerMethodReturnValueHandler;
import org.springframework.web.servlet.config.annotation.AsyncSupportConfigurer;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Keeps Spring and Tomcat from reading requests in their own way. */
@Configuration(proxyBeanMethods = false)
class WebConfiguration implements WebMvcConfigurer {
  /** Rest of a refused body that is still read, so that the client sees the answer. */
  private static final int SWALLOWED_BYTES = 64 << 20;

  /** Each connection has a buffer for so much, also while it only listens to events. */
  private static final int MAX_HEADER_BYTES = 32 * 1024;

  private static final String SOCKET_BUFFER_BYTES = "4096";
  private static final String MESSAGE_BUFFER_CHARS = "1024";
  private static final int STALLED_MS = 300_000;
  private static final int IDLE_MS = 60_000;

  private final Coordinator coordinator;

  WebConfiguration(Coordinator coordinator) {
    this.coordinator = coordinator;
  }

  @Override
  public void addReturnValueHandlers(List<HandlerMethodReturnValueHandler> handlers) {
    handlers.add(new ResponseWriter(coordinator));
  }

  /** Before the filter that measures requests: the door measures its own. */
  @Bean
  FilterRegistrationBean<ZnodeDoor> znodeDoor(
      ZnodeController znodes,
      RequestTimes times,
      ObjectProvider<FilterRegistrationBean<ServerHttpObservationFilter>> measuring) {
    measuring.ifAvailable(filter -> filter.setOrder(Ordered.HIGHEST_PRECEDENCE + 2));
    var door =
        new FilterRegistrationBean<>(new ZnodeDoor(znodes, new ResponseWriter(coordinator), times));
    door.addUrlPatterns("/znodes", "/znodes/*");
    door.setOrder(Ordered.HIGHEST_PRECEDENCE + 1);
    return door;
  }

  /** Every wait has an end of its own: the container's would answer for us. */
  @Override
  public void configureAsyncSupport(AsyncSupportConfigurer async) {
    async.setDefaultTimeout(-1);
  }

  /** Requests are judged by hand: Spring need not bring up a validator for them. */
  @Override
  public Validator getValidator() {
    return new Validator() {
      @Override
      public boolean supports(Class<?> type) {
        return false;
      }

      @Override
      public void validate(Object target, Errors errors) {}
    };
  }

  @Bean
  static WebServerFactoryCustomizer<TomcatServletWebServerFactory> rawRequests() {
    return tomcat -> {
      tomcat.addEngineValves(new RawResponseValve());
      // Of these each WebSocket has three; Tomcat looks for the property once, when it starts.
      System.setProperty("org.apache.tomcat.websocket.DEFAULT_BUFFER_SIZE", SOCKET_BUFFER_BYTES);
      tomcat.addContextCustomizers(
          context -> {
            context.addParameter(
                "org.apache.tomcat.websocket.textBufferSize", MESSAGE_BUFFER_CHARS);
            context.addParameter(
                "org.apache.tomcat.websocket.binaryBufferSize", MESSAGE_BUFFER_CHARS);
            if (context.getParent() instanceof StandardHost host) {
              host.setErrorReportValveClass("");
              host.getPipeline().addValve(new ErrorPages.Valve());
            }
          });
      tomcat.addConnectorCustomizers(
          connector -> {
            connector.setEncodedSolidusHandling("passthrough");
            connector.setEncodedReverseSolidusHandling("passthrough");
            connector.setAllowBackslash(true);
            connector.setParseBodyMethods("");
            if (connector.getProtocolHandler() instanceof AbstractHttp11Protocol<?> http) {
              http.setRelaxedPathChars("\"<>[\\]^`{|}");
              http.setRelaxedQueryChars("\"<>[\\]^`{|}");
              http.setMaxSwallowSize(SWALLOWED_BYTES);
              http.setMaxHttpRequestHeaderSize(MAX_HEADER_BYTES);
              // The same number ends a write to a stream whose reader has stopped reading.
              http.setConnectionTimeout(STALLED_MS);
              http.setKeepAliveTimeout(IDLE_MS);
            }
            // Whoever hangs has been waited for already: the member has to hand over and flush.
            connector.setProperty("executorTerminationTimeoutMillis", "200");
          });
    };
  }
}
