package io.quorate.web;

import org.jspecify.annotations.Nullable;

/** Told of each request for a znode, once it is answered; on the request's thread. */
public interface RequestTimes {

  /**
   * @param method one of those that znodes have
   * @param failure why there was no answer, after which {@code status} says nothing
   * @param nanos from where the request was read to where its answer was written
   */
  void answered(String method, int status, @Nullable Throwable failure, long nanos);
}
