package io.quorate.web;

import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;

/** One virtual thread for each piece of work: it may wait without holding anybody up. */
@Component
final class WebThreads implements Executor, DisposableBean {
  private final ExecutorService executor =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("quorate-web-", 0).factory());

  @Override
  public void execute(Runnable work) {
    executor.execute(work);
  }

  @Override
  public void destroy() {
    executor.shutdownNow();
  }
}
