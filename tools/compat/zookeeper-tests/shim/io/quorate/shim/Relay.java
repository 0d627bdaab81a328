package io.quorate.shim;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Carries bytes between the port that a test asks for and the one where a member listens. */
final class Relay implements Closeable {
  private final ServerSocket door = new ServerSocket();
  private final int target;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  Relay(InetSocketAddress address, int target) throws IOException {
    this.target = target;
    door.setReuseAddress(true);
    door.bind(address);
    Thread.ofPlatform().daemon().name("relay " + door.getLocalPort()).start(this::accept);
  }

  private void accept() {
    while (!closed) {
      try {
        Socket near = door.accept();
        // From the same address: the member judges by it.
        Socket far = new Socket(near.getLocalAddress(), target);
        near.setTcpNoDelay(true);
        far.setTcpNoDelay(true);
        sockets.add(near);
        sockets.add(far);
        if (closed) {
          close();
        }
        Thread.ofVirtual().start(() -> carry(near, far));
        Thread.ofVirtual().start(() -> carry(far, near));
      } catch (IOException e) {
        // Closed, or the member is not there: the next connection tells.
      }
    }
  }

  private void carry(Socket from, Socket to) {
    try {
      from.getInputStream().transferTo(to.getOutputStream());
      if (from.getPort() == target) {
        end(from, to); // a member that has hung up is done
      } else {
        to.shutdownOutput();
      }
    } catch (IOException e) {
      end(from, to);
    }
  }

  private void end(Socket one, Socket other) {
    for (Socket each : new Socket[] {one, other}) {
      sockets.remove(each);
      try {
        each.close();
      } catch (IOException e) {
        // Gone already.
      }
    }
  }

  @Override
  public void close() throws IOException {
    closed = true;
    door.close();
    for (Socket each : sockets) {
      end(each, each);
    }
  }
}
