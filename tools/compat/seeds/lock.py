"""The founding example of a lock, as it stands: one ephemeral node, and whoever made it holds it.

It excludes, but it is no lock to live with: see docs/locks.md. Beside it the one done right.
"""

import sys
import threading

import zookeeper


class NaiveLock:
    """Create the node, or wait until it moves and try again. Everybody wakes for everybody."""

    def __init__(self, client, path):
        self.client, self.path = client, path

    def acquire(self):
        while True:
            try:
                return self.client.create(self.path, b"", 0, create_mode="Ephemeral")
            except zookeeper.NodeExistsError:
                try:
                    data, stat, moved = self.client.get(self.path, watch=True)
                except zookeeper.NoNodeError:
                    continue
                moved.wait(20)

    def release(self):
        self.client.delete(self.path)


class Lock:
    """Stand in a queue of sequential ephemerals and watch the one before."""

    def __init__(self, client, path):
        self.client, self.path, self.place = client, path, None

    def acquire(self):
        self.place = self.client.create(
            self.path + "/place-", b"", 0, create_mode="EphemeralSequential"
        )
        mine = self.place.rsplit("/", 1)[1]
        while True:
            queue = sorted(self.client.get_children(self.path))
            at = queue.index(mine)
            if at == 0:
                return self.place
            stat, moved = self.client.exists(self.path + "/" + queue[at - 1], watch=True)
            if stat is not None:
                moved.wait(20)

    def release(self):
        self.client.delete(self.place)


def contend(host, port, make, path):
    inside, most, turns = [0], [0], []

    def work():
        client = zookeeper.ZooKeeper(host, port)
        lock = make(client, path)
        for _ in range(8):
            lock.acquire()
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            turns.append(1)
            inside[0] -= 1
            lock.release()
        client.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    [t.start() for t in threads]
    [t.join(60) for t in threads]
    assert len(turns) == 24 and most[0] == 1, (len(turns), most)


def main(host, port):
    client = zookeeper.ZooKeeper(host, port)
    client.create("/lock", b"", 0, create_mode="Ephemeral")
    data, stat, moved = client.get("/lock", watch=True)
    assert data == b"" and stat.ephemeralOwner != 0 and not moved.is_set()
    client.delete("/lock")
    assert moved.wait(10), "the deletion was not told"
    print("ok    lock: create, get with a watch, delete")

    contend(host, port, NaiveLock, "/naive")
    print("ok    the naive lock excludes")

    client.create("/queue", b"", 0, create_mode="Persistent")
    contend(host, port, Lock, "/queue")
    client.delete("/queue")
    print("ok    the queue of sequential ephemerals excludes, in turn")
    client.close()


main(sys.argv[1], int(sys.argv[2]))
