package io.quorate.web;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/**
 * Lets a Content-Type through as it was stored. Tomcat takes one apart and puts it together again,
 * which moves blanks and drops charsets that Java does not know.
 */
final class RawResponseValve extends ValveBase {
  private static final String RESPONSE = RawResponseValve.class.getName();

  RawResponseValve() {
    super(true);
  }

  @Override
  public void invoke(Request request, Response response) throws IOException, ServletException {
    request.setAttribute(RESPONSE, response.getCoyoteResponse());
    getNext().invoke(request, response);
  }

  static void setContentType(
      HttpServletRequest request, HttpServletResponse response, String type) {
    if (request.getAttribute(RESPONSE) instanceof org.apache.coyote.Response raw) {
      raw.setContentTypeNoCharset(type);
    } else {
      response.setContentType(type);
    }
  }
}
