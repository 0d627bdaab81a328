"""The module ``zookeeper`` of the project's founding programs, over kazoo.

``ZKClient(host, port, timeout)`` is the one of the configuration example, ``ZooKeeper(host, port)``
the one of the lock example. Both speak the ZooKeeper protocol, so they work with Quorate and with
Apache ZooKeeper alike.
"""

from kazoo.client import KazooClient
from kazoo.exceptions import (  # noqa: F401 - for those who catch them
    BadVersionError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
)

PERSISTENT = "Persistent"
EPHEMERAL = "Ephemeral"
PERSISTENT_SEQUENTIAL = "PersistentSequential"
EPHEMERAL_SEQUENTIAL = "EphemeralSequential"


def _options(mode):
    name = str(mode).replace("_", "").lower()
    known = {"persistent", "ephemeral", "persistentsequential", "ephemeralsequential"}
    if name not in known:
        raise ValueError("mode is one of %s, not %r" % (", ".join(sorted(known)), mode))
    return {"ephemeral": name.startswith("ephemeral"), "sequence": name.endswith("sequential")}


def _bytes(data):
    return data if data is None or isinstance(data, bytes) else str(data).encode()


class ZKClient:
    """A client that is started and stopped; ``timeout`` is the session's, in seconds."""

    def __init__(self, host="127.0.0.1", port=2181, timeout=10):
        self._kazoo = KazooClient(hosts="%s:%d" % (host, int(port)), timeout=float(timeout))
        self._timeout = float(timeout)

    def start(self):
        self._kazoo.start(timeout=max(self._timeout, 5))
        return self

    def create(self, path, data=b"", mode=PERSISTENT):
        return self._kazoo.create(path, _bytes(data), **_options(mode))

    def get(self, path):
        """The data and its statistics."""
        return self._kazoo.get(path)

    def set(self, path, data, version=-1):
        return self._kazoo.set(path, _bytes(data), version)

    def delete(self, path, version=-1):
        self._kazoo.delete(path, version)

    def exists(self, path):
        return self._kazoo.exists(path) is not None

    def get_children(self, path, watch=None):
        return self._kazoo.get_children(path, watch=watch)

    def stop(self):
        self._kazoo.stop()
        self._kazoo.close()


class ZooKeeper:
    """A client that is connected when it is made."""

    def __init__(self, host="127.0.0.1", port=2181):
        self._kazoo = KazooClient(hosts="%s:%d" % (host, int(port)))
        self._kazoo.start()

    def create(self, path, data=b"", flags=0, create_mode=PERSISTENT):
        """``flags`` is there because the example has it; ``create_mode`` says everything."""
        return self._kazoo.create(path, _bytes(data), **_options(create_mode))

    def get(self, path, watch=False):
        """Data, statistics, and an event that is set when the node moves; None without a watch."""
        if not watch:
            data, stat = self._kazoo.get(path)
            return data, stat, None
        moved = self._kazoo.handler.event_object()
        data, stat = self._kazoo.get(path, watch=lambda event: moved.set())
        return data, stat, moved

    def exists(self, path, watch=False):
        """Statistics or None, and an event as for :meth:`get`."""
        moved = self._kazoo.handler.event_object() if watch else None
        stat = self._kazoo.exists(path, watch=(lambda event: moved.set()) if watch else None)
        return stat, moved

    def get_children(self, path):
        return self._kazoo.get_children(path)

    def delete(self, path, version=-1):
        self._kazoo.delete(path, version)

    def close(self):
        self._kazoo.stop()
        self._kazoo.close()
