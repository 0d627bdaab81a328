package io.quorate.web;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.RequestMapping;

/** Problem documents for what never reaches a resource: Spring's error page and Tomcat's. */
@Controller
class ErrorPages implements ErrorController {

  @RequestMapping("${server.error.path:${error.path:/error}}")
  Response error(HttpServletRequest request) {
    Object status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
    Object uri = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
    return problem(status instanceof Integer number ? number : 404, request)
        .response(uri instanceof String text ? text : request.getRequestURI());
  }

  static Problem problem(int status, HttpServletRequest request) {
    String method = request.getMethod();
    return switch (status) {
      case 404 -> new Problem(404, "NOROUTE", "there is no such resource");
      case 405 -> new Problem(405, "UNIMPLEMENTED", method + " is not possible here");
      case 406 -> new Problem(406, "UNIMPLEMENTED", "there is no such form of this resource");
      case 415 -> new Problem(415, "MARSHALLINGERROR", "this kind of body is not taken here");
      default -> new Problem(status, code(status), detail(status));
    };
  }

  private static String code(int status) {
    return status >= 500 ? "SYSTEMERROR" : "BADARGUMENTS";
  }

  private static String detail(int status) {
    return switch (status) {
      case 400 -> "the request line, a header or the path is malformed";
      case 414 -> "the request target is too long";
      case 431 -> "the headers are too large";
      default -> Problem.title(status);
    };
  }

  /** For requests that Tomcat refuses by itself, such as one whose URI it cannot read. */
  static final class Valve extends ErrorReportValve {
    @Override
    protected void report(
        Request request,
        org.apache.catalina.connector.Response response,
        @Nullable Throwable thrown) {
      int status = response.getStatus();
      if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
        return;
      }
      String uri = request.getRequestURI();
      Response problem = problem(status, request).response(uri);
      try {
        response.setContentType(problem.contentType());
        response.setCharacterEncoding((String) null);
        problem.headers().forEach(response::setHeader);
        Response.Body body = problem.body();
        if (body != null) {
          body.writeTo(response.getOutputStream());
        }
        response.finishResponse();
      } catch (IOException | IllegalStateException e) {
        container.getLogger().debug("the error page could not be sent", e);
      }
    }
  }
}
