package io.quorate.web;

import io.quorate.server.Coordinator;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/**
 * Keeps pages of other sites from writing here, and from watching, with the reach and the address
 * of whoever looks at them: their browser sends such requests without asking. Programs that are no
 * browsers say no origin and are not concerned.
 *
 * <p>Source: Fetch Metadata, "Sec-Fetch-Site"; Fetch §3.2, "Origin"; RFC 6455 §10.2.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
final class CrossSiteGuard implements Filter {
  private static final Pattern PORT = Pattern.compile(":\\d+$");
  private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

  private final ResponseWriter writer;
  private final Set<String> allowed;

  CrossSiteGuard(Coordinator coordinator, Environment environment) {
    writer = new ResponseWriter(coordinator);
    allowed =
        Arrays.stream(environment.getProperty("quorate.allowed-origins", "").split(","))
            .map(origin -> origin.trim().toLowerCase(Locale.ROOT))
            .filter(origin -> !origin.isEmpty())
            .collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    if (request instanceof HttpServletRequest asked
        && response instanceof HttpServletResponse answered
        && (!SAFE.contains(asked.getMethod()) || asked.getHeader("Upgrade") != null)
        && isForeign(asked)) {
      var refusal =
          new Problem(
              403,
              "NOAUTH",
              "a page of another origin may not do this; quorate.allowed-origins names those that may");
      writer.write(refusal.response(asked.getRequestURI()), asked, answered);
      return;
    }
    chain.doFilter(request, response);
  }

  private boolean isForeign(HttpServletRequest request) {
    String origin = request.getHeader("Origin");
    if (origin != null && allowed.contains(origin.toLowerCase(Locale.ROOT))) {
      return false;
    }
    String site = request.getHeader("Sec-Fetch-Site");
    if (site != null) {
      return !site.equals("same-origin") && !site.equals("none");
    }
    return origin != null && !isOwn(origin, request.getHeader("Host"));
  }

  /** By host and port alone: what speaks TLS for this member may stand before it. */
  private static boolean isOwn(String origin, @Nullable String host) {
    int end = origin.indexOf("://");
    if (end < 0 || host == null) {
      return false;
    }
    String port = origin.startsWith("https:") ? ":443" : ":80";
    return withPort(origin.substring(end + 3), port).equalsIgnoreCase(withPort(host, port));
  }

  private static String withPort(String authority, String port) {
    return PORT.matcher(authority).find() ? authority : authority + port;
  }
}
