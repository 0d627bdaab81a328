"""The founding example of a configuration: a znode is created, read, changed and deleted."""

import sys

import zookeeper


def main(host, port):
    client = zookeeper.ZKClient(host, port, 10)
    client.start()
    if client.exists("/config"):
        client.delete("/config")

    client.create("/config", b"initial configuration", zookeeper.PERSISTENT)
    data, stat = client.get("/config")
    assert data == b"initial configuration" and stat.version == 0

    client.set("/config", b"new configuration")
    data, stat = client.get("/config")
    assert data == b"new configuration" and stat.version == 1

    client.delete("/config")
    try:
        client.get("/config")
        raise AssertionError("the node is still there")
    except zookeeper.NoNodeError:
        pass
    client.stop()
    print("ok    configuration: create, get, set, delete")


main(sys.argv[1], int(sys.argv[2]))
