package io.quorate.web;

import io.quorate.auth.AclView;
import io.quorate.state.Precondition.Etags;
import io.quorate.state.State;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** GET and HEAD of a znode, in every view. */
@Component
final class ZnodeReads {
  private static final List<String> VIEWS =
      List.of("data", "node", "stat", "acl", "children", "tree");

  private final Gate gate;
  private final Pages pages;
  private final LongPoll longPoll;

  ZnodeReads(Gate gate, Pages pages, LongPoll longPoll) {
    this.gate = gate;
    this.pages = pages;
    this.longPoll = longPoll;
  }

  CompletableFuture<Response> read(HttpServletRequest request, Target target) {
    var asked = new Asked(request, target);
    return gate.readThen(
        request,
        target,
        state -> {
          Optional<Integer> waits = asked.waitSeconds();
          if (waits.isEmpty()) {
            return CompletableFuture.completedFuture(asked.answer(state));
          }
          long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(waits.get());
          return longPoll
              .until(asked.path, state, asked::hasMoved, asked.signal(), deadline)
              .thenApply(
                  later ->
                      asked
                          .answerAfterWait(later)
                          .header("Preference-Applied", "wait=" + waits.get()));
        });
  }

  /** One read, taken apart. */
  private final class Asked {
    final HttpServletRequest request;
    final Target target;
    final ZPath path;
    final String view;
    final Caller caller;
    final Optional<Long> at;
    final Set<String> include;

    Asked(HttpServletRequest request, Target target) {
      this.request = request;
      this.target = target;
      path = target.znode();
      view = target.word("view", "data", VIEWS);
      caller = gate.caller(request);
      at = target.zxid("at");
      include = include();
      if (at.isPresent() && target.option("page") != null) {
        throw Problem.badArguments("a page stays at its own zxid: give at or page");
      }
    }

    private Set<String> include() {
      String given = target.option("include");
      var include = new LinkedHashSet<String>();
      for (String part : given == null ? new String[0] : given.split(",")) {
        if (!part.equals("stat") && !part.equals("data")) {
          throw Problem.badArguments(
              "\"include\" is a list of stat and data, not \"" + given + "\"");
        }
        include.add(part);
      }
      return include;
    }

    /** Waiting makes sense where there is a tag to come back with. */
    Optional<Integer> waitSeconds() {
      return tag() != null && Conditions.names(request, "If-None-Match")
          ? LongPoll.seconds(request)
          : Optional.empty();
    }

    LongPoll.Signal signal() {
      return view.equals("acl") ? LongPoll.Signal.ANY_CHANGE : LongPoll.Signal.EVENT;
    }

    private @Nullable Function<Znode, String> tag() {
      boolean page = target.option("page") != null;
      return at.isPresent()
          ? null
          : switch (view) {
            case "data" -> Etags::data;
            case "acl" -> Etags::acl;
            case "children" -> include.isEmpty() && !page ? Etags::children : null;
            default -> null;
          };
    }

    boolean hasMoved(State state) {
      Function<Znode, String> tag = tag();
      Znode node = state.find(path);
      String current = node == null || tag == null ? Snapshot.ABSENT_TAG : tag.apply(node);
      return !Conditions.isKnown(request, current);
    }

    /** As {@link #answer}; what is still not there has not changed either. */
    Response answerAfterWait(State state) {
      return state.find(path) == null && !hasMoved(state)
          ? Response.of(304).etag(Snapshot.ABSENT_TAG).zxid(state.zxid())
          : answer(state);
    }

    Response answer(State state) {
      String page = target.option("page");
      if (page != null && view.equals("children")) {
        return furtherPage(page);
      }
      Snapshot from = at.isPresent() ? Snapshot.at(at.get(), state) : Snapshot.of(state);
      Znode node = from.require(path);
      if (view.equals("stat")) {
        return ZnodeViews.stat(from, node);
      }
      if (view.equals("acl")) {
        if (!AclView.isVisible(node.acl(), caller.identities())) {
          from.requireRead(caller, path, node);
        }
        return conditional(ZnodeViews.acl(from, node, caller));
      }
      from.requireRead(caller, path, node);
      return switch (view) {
        case "node" -> ZnodeViews.node(from, path, node);
        case "tree" -> ZnodeViews.tree(from, path, node, depth(), caller);
        case "children" -> conditional(firstPage(from, node));
        default -> conditional(ZnodeViews.data(from, node));
      };
    }

    private int depth() {
      return target.number("depth", 0, Integer.MAX_VALUE).orElse(Integer.MAX_VALUE);
    }

    /** 304 when the client has it already. */
    private Response conditional(Response response) {
      String header = response.headers().get("ETag");
      if (header == null) {
        return response;
      }
      String tag = header.substring(1, header.length() - 1);
      Conditions.requireMatch(request, tag);
      if (!Conditions.isKnown(request, tag)) {
        return response;
      }
      Response unchanged = Response.of(304);
      response
          .headers()
          .forEach(
              (name, value) -> {
                if (!name.equals("Link")) {
                  unchanged.header(name, value);
                }
              });
      return unchanged;
    }

    private Response firstPage(Snapshot from, Znode node) {
      String after = target.option("after");
      ZnodeViews.Page page = ZnodeViews.page(from, path, node, after, limit(), include, caller);
      String token =
          page.lastName() == null ? null : Pages.token(pages.hold(from, path), page.lastName());
      Response response = pageResponse(from, page, token);
      Function<Znode, String> tag = tag();
      return tag == null ? response : response.etag(tag.apply(node));
    }

    private Response furtherPage(String token) {
      if (target.option("after") != null) {
        throw Problem.badArguments("a page token says where it goes on: give page or after");
      }
      Pages.Place place = pages.find(token, path);
      Snapshot from = place.snapshot();
      Znode node = from.require(path);
      from.requireRead(caller, path, node);
      ZnodeViews.Page page =
          ZnodeViews.page(from, path, node, place.after(), limit(), include, caller);
      return pageResponse(
          from, page, page.lastName() == null ? null : Pages.token(place.id(), page.lastName()));
    }

    private Response pageResponse(Snapshot from, ZnodeViews.Page page, @Nullable String token) {
      if (token == null) {
        return Response.of(200).zxid(from.zxid()).json(page.document());
      }
      page.document().put("next", token);
      return Response.of(200)
          .zxid(from.zxid())
          .header("Link", "<" + nextPage(token) + ">; rel=\"next\"")
          .json(page.document());
    }

    private String nextPage(String token) {
      var link = new StringBuilder(Target.location(path)).append("?view=children");
      for (String name : Arrays.asList("limit", "include", "consistency")) {
        String value = target.option(name);
        if (value != null) {
          link.append('&').append(name).append('=').append(Target.encode(value));
        }
      }
      return link.append("&page=").append(token).toString();
    }

    private int limit() {
      return Math.min(
          ZnodeViews.MAX_PAGE,
          target.number("limit", 1, Integer.MAX_VALUE).orElse(ZnodeViews.DEFAULT_PAGE));
    }
  }
}
