# Build the jar, then carry it over to a small run-time image.
FROM eclipse-temurin:25-jdk AS build
WORKDIR /quorate
COPY . .
RUN ./mvnw -q -B -DskipTests package

FROM eclipse-temurin:25-jre-alpine
RUN adduser -D -u 10001 quorate && mkdir /data && chown quorate /data
COPY --from=build /quorate/target/quorate.jar /quorate.jar
USER quorate
VOLUME /data
EXPOSE 8080 2181 9641
ENTRYPOINT ["java", "-XX:MaxRAMPercentage=60", "-XX:+ExitOnOutOfMemoryError", "-jar", "/quorate.jar"]
