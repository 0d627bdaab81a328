package io.quorate.app;

import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;

/** The Spring application: everything under {@code io.quorate.web} and this package. */
@SpringBootApplication(scanBasePackages = {"io.quorate.app", "io.quorate.web"})
@EnableConfigurationProperties(QuorateProperties.class)
public class Quorate {
  static void main(String[] args) {
    // The Raft library guards its invariants with assertions; in it they stay on.
    ClassLoader.getSystemClassLoader().setPackageAssertionStatus("io.microraft", true);
    Quorate.class.getClassLoader().setPackageAssertionStatus("io.microraft", true);
    var application = new SpringApplication(Quorate.class);
    application.setBannerMode(Banner.Mode.OFF);
    application.addListeners(new ReadAhead());
    application.run(args);
  }
}
