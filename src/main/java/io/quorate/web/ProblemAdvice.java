package io.quorate.web;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.HttpHeaders;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;

/** Problem documents for what goes wrong before or after our own code: routes, methods, media. */
@ControllerAdvice
final class ProblemAdvice {

  @ExceptionHandler(Exception.class)
  Response handle(Exception failure, HttpServletRequest request) {
    if (failure instanceof ErrorResponse known && known.getStatusCode().value() < 500) {
      int status = known.getStatusCode().value();
      Response response = ErrorPages.problem(status, request).response(request.getRequestURI());
      String allow = known.getHeaders().getFirst(HttpHeaders.ALLOW);
      return allow == null ? response : response.header(HttpHeaders.ALLOW, allow);
    }
    return Problems.of(failure, request).response(request.getRequestURI());
  }
}
