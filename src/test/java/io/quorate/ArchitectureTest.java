package io.quorate;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.callMethodWhere;
import static com.tngtech.archunit.lang.conditions.ArchConditions.dependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import io.quorate.state.StateMachine;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** The rooms and what they may know of each other, held by the compiler's output. */
class ArchitectureTest {
  /** A package imports only those before it. */
  private static final List<String> ROOMS =
      List.of(
          "tree",
          "bytes",
          "state",
          "codec",
          "auth",
          "session",
          "watch",
          "consensus",
          "storage",
          "server",
          "recipes",
          "wire",
          "web",
          "app");

  private static final String PURE_TREE = "io.quorate.tree..";
  private static final String PURE_BYTES = "io.quorate.bytes..";
  private static final String PURE_STATE = "io.quorate.state..";
  private static final String PURE_CODEC = "io.quorate.codec..";

  private static final JavaClasses QUORATE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.quorate");

  @Test
  void everyClassLivesInOneOfTheRooms() {
    check(classes().should().resideInAnyPackage(inside(ROOMS)));
  }

  @Test
  void aRoomImportsOnlyThoseAboveIt() {
    for (int i = 0; i < ROOMS.size(); i++) {
      List<String> below = ROOMS.subList(i + 1, ROOMS.size());
      if (!below.isEmpty()) {
        noImport(ROOMS.get(i), inside(below));
      }
    }
  }

  @Test
  void someRoomsKnowLessThanWouldBeAllowed() {
    noImport(
        "consensus",
        inside(List.of("tree", "bytes", "state", "codec", "auth", "session", "watch")));
    noImport("auth", inside(List.of("session", "watch")));
    noImport("session", inside(List.of("tree", "bytes", "state", "codec", "auth")));
    noImport("storage", inside(List.of("consensus")));
    noImport("wire", inside(List.of("recipes")));
    noImport("web", inside(List.of("wire", "consensus", "storage")));
    noImport("recipes", inside(List.of("consensus", "storage", "codec", "bytes", "session")));
  }

  @Test
  void thereAreNoCycles() {
    check(slices().matching("io.quorate.(*)..").should().beFreeOfCycles());
  }

  @Test
  void eachVendorHasOneOwner() {
    owner("io.microraft..", "io.quorate.consensus.microraft..");
    owner("org.h2..", "io.quorate.storage.mvstore..");
    // Two rooms have sockets of their own: clients' and peers'. Neither sees the other's.
    owner("io.netty..", "io.quorate.wire..", "io.quorate.consensus.net..");
    owner("org.springframework..", "io.quorate.web..", "io.quorate.app..");
    owner("tools.jackson..", "io.quorate.web..", "io.quorate.app..");
    owner("com.fasterxml..", "io.quorate.web..", "io.quorate.app..");
    owner("io.micrometer..", "io.quorate.app..");
  }

  @Test
  void onlyTheApplierApplies() {
    check(
        noClasses()
            .that()
            .doNotHaveFullyQualifiedName("io.quorate.server.Applier")
            .should(
                callMethodWhere(
                    call(
                        "StateMachine.apply",
                        StateMachine.class,
                        name -> name.startsWith("apply")))));
  }

  @Test
  void theCoreNeedsNothingButTheLanguage() {
    check(
        classes()
            .that()
            .resideInAnyPackage(PURE_TREE, PURE_BYTES, PURE_STATE)
            .should()
            .onlyDependOnClassesThat(
                resideInAnyPackage(
                        PURE_TREE,
                        PURE_BYTES,
                        PURE_STATE,
                        "java.lang..",
                        "java.util",
                        "java.util.zip",
                        "java.util.function",
                        "java.util.stream",
                        "java.nio..",
                        "java.io",
                        "java.time",
                        "org.jspecify..")
                    .or(DescribedPredicate.describe("arrays of numbers", JavaClass::isArray))
                    .or(DescribedPredicate.describe("numbers", JavaClass::isPrimitive))));
  }

  @Test
  void theCoreReadsNoClockDrawsNoNumberStartsNoThread() {
    for (String room : List.of("tree", "bytes", "state", "codec", "session", "watch")) {
      ArchRule rule =
          noClasses()
              .that()
              .resideInAPackage(inside(room))
              .should(
                  dependOnClassesThat(
                      belongToAnyOf(Thread.class, Random.class, Clock.class, Instant.class)))
              .orShould(
                  callMethodWhere(
                      call(
                          "the system's clock",
                          System.class,
                          name -> name.equals("nanoTime") || name.equals("currentTimeMillis"))))
              .orShould(
                  callMethodWhere(call("Math.random", Math.class, name -> name.equals("random"))));
      check(rule);
    }
  }

  /** Their order differs between members, or between starts of one. */
  @Test
  void nothingWithoutAnOrderIsKeptWhereOutcomesAreDecided() {
    check(
        noClasses()
            .that()
            .resideInAnyPackage(PURE_TREE, PURE_BYTES, PURE_STATE, PURE_CODEC)
            .should(dependOnClassesThat(belongToAnyOf(HashMap.class, HashSet.class)))
            .orShould(
                callMethodWhere(
                    call("Set.of", Set.class, name -> name.equals("of") || name.equals("copyOf"))))
            .orShould(
                callMethodWhere(
                    call(
                        "Map.of",
                        Map.class,
                        name -> name.startsWith("of") || name.equals("copyOf")))));
  }

  @Test
  void nothingWhereOutcomesAreDecidedAsksForTheDefaultLocale() {
    DescribedPredicate<JavaCall<?>> withoutLocale =
        DescribedPredicate.describe(
            "a text method that takes the default locale",
            call ->
                call.getTargetOwner().isEquivalentTo(String.class)
                    && List.of("format", "formatted", "toLowerCase", "toUpperCase")
                        .contains(call.getName())
                    && call.getTarget().getRawParameterTypes().stream()
                        .noneMatch(type -> type.isEquivalentTo(Locale.class)));
    check(
        noClasses()
            .that()
            .resideInAnyPackage(PURE_TREE, PURE_BYTES, PURE_STATE, PURE_CODEC)
            .should(callMethodWhere(withoutLocale))
            .orShould(
                callMethodWhere(
                    call("Locale.getDefault", Locale.class, name -> name.equals("getDefault")))));
  }

  @Test
  void nothingWhereOutcomesAreDecidedIsRounded() {
    DescribedPredicate<JavaClass> floating =
        DescribedPredicate.describe(
            "floating point",
            type ->
                List.of("float", "double", "java.lang.Float", "java.lang.Double")
                    .contains(type.getName()));
    check(
        fields()
            .that()
            .areDeclaredInClassesThat()
            .resideInAnyPackage(PURE_TREE, PURE_BYTES, PURE_STATE, PURE_CODEC)
            .should()
            .notHaveRawType(floating));
    check(
        methods()
            .that()
            .areDeclaredInClassesThat()
            .resideInAnyPackage(PURE_TREE, PURE_BYTES, PURE_STATE, PURE_CODEC)
            .should()
            .notHaveRawReturnType(floating));
    check(
        noClasses()
            .that()
            .resideInAnyPackage(PURE_TREE, PURE_BYTES, PURE_STATE, PURE_CODEC)
            .should(
                callMethodWhere(
                    DescribedPredicate.describe(
                        "a method that takes or gives floating point",
                        call ->
                            floating.test(call.getTarget().getRawReturnType())
                                || call.getTarget().getRawParameterTypes().stream()
                                    .anyMatch(floating)))));
  }

  /** An event loop that waits stops every connection it serves. */
  @Test
  void theWireNeverWaits() {
    check(
        noClasses()
            .that()
            .resideInAPackage(inside("wire"))
            .should(
                callMethodWhere(
                    call(
                        "join or get",
                        CompletableFuture.class,
                        name -> name.equals("join") || name.equals("get"))))
            .orShould(callMethodWhere(call("get", Future.class, name -> name.equals("get"))))
            .orShould(callMethodWhere(call("sleep", Thread.class, name -> name.equals("sleep")))));
  }

  private static void noImport(String room, String... others) {
    check(
        noClasses()
            .that()
            .resideInAPackage(inside(room))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(others));
  }

  private static void owner(String vendor, String... owners) {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages(owners)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(vendor));
  }

  private static DescribedPredicate<JavaCall<?>> call(
      String description, Class<?> owner, java.util.function.Predicate<String> name) {
    return DescribedPredicate.describe(
        description,
        call -> call.getTargetOwner().isAssignableTo(owner) && name.test(call.getName()));
  }

  private static String inside(String room) {
    return "io.quorate." + room + "..";
  }

  private static String[] inside(List<String> rooms) {
    return rooms.stream().map(ArchitectureTest::inside).toArray(String[]::new);
  }

  /** Some rooms are still empty. */
  private static void check(ArchRule rule) {
    rule.allowEmptyShould(true).check(QUORATE);
  }
}
