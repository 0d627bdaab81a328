package io.quorate.app;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class Quorate {
  public static void main(String[] args) {
    SpringApplication.run(Quorate.class, args);
  }
}
