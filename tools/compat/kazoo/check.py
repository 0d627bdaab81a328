"""What a kazoo program does with ZooKeeper, done with Quorate. Arguments: hosts, HTTP base URL."""

import socket
import sys
import threading
import time
import urllib.request
import uuid

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
)
from kazoo.protocol.states import EventType
from kazoo.recipe.watchers import ChildrenWatch, DataWatch
from kazoo.security import make_acl, make_digest_acl

HOSTS = sys.argv[1]
HTTP = sys.argv[2] if len(sys.argv) > 2 else ""
ROOT = "/kazoo-" + uuid.uuid4().hex[:8]
checks = []


def check(function):
    checks.append(function)
    return function


def client(**options):
    zk = KazooClient(hosts=HOSTS, timeout=10, **options)
    zk.start(timeout=20)
    return zk


def until(condition, what, seconds=20):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "waited in vain: " + what
        time.sleep(0.02)


def raises(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError("%s was expected" % error.__name__)


@check
def nodes(zk):
    path = zk.create(ROOT + "/n", b"one", makepath=True)
    data, stat = zk.get(path)
    assert (data, stat.version, stat.data_length) == (b"one", 0, 3)
    assert zk.set(path, b"two", version=0).version == 1
    raises(BadVersionError, lambda: zk.set(path, b"x", version=0))
    raises(NodeExistsError, lambda: zk.create(path))
    raises(NoNodeError, lambda: zk.get(ROOT + "/none"))
    zk.create(path + "/c")
    raises(NotEmptyError, lambda: zk.delete(path))
    assert zk.get_children(path) == ["c"]
    children, stat = zk.get_children(path, include_data=True)
    assert stat.numChildren == 1
    zk.delete(path, recursive=True)
    assert zk.exists(path) is None
    assert zk.ensure_path(ROOT + "/a/b/c")


@check
def sequences_and_ephemerals(zk):
    zk.ensure_path(ROOT + "/s")
    names = [zk.create(ROOT + "/s/x-", sequence=True, ephemeral=True) for _ in range(3)]
    assert [n[-10:] for n in names] == ["0000000000", "0000000001", "0000000002"]
    assert zk.exists(names[0]).ephemeralOwner == zk.client_id[0]
    path, stat = zk.create(ROOT + "/s/stat", include_data=True)
    assert stat.czxid == stat.mzxid


@check
def transactions(zk):
    zk.ensure_path(ROOT + "/t")
    good = zk.transaction()
    good.create(ROOT + "/t/a", b"1")
    good.set_data(ROOT + "/t/a", b"2")
    good.check(ROOT + "/t/a", 1)
    good.delete(ROOT + "/t/a")
    assert good.commit()[0] == ROOT + "/t/a"
    bad = zk.transaction()
    bad.create(ROOT + "/t/b")
    bad.delete(ROOT + "/t/none")
    bad.create(ROOT + "/t/c")
    results = bad.commit()
    assert isinstance(results[0], RolledBackError), results
    assert isinstance(results[1], NoNodeError), results
    assert zk.exists(ROOT + "/t/b") is None


@check
def watches(zk):
    other = client()
    seen = []
    zk.exists(ROOT + "/w", watch=lambda e: seen.append(e.type))
    other.create(ROOT + "/w", b"", makepath=True)
    until(lambda: seen == [EventType.CREATED], "created")
    zk.get(ROOT + "/w", watch=lambda e: seen.append(e.type))
    other.set(ROOT + "/w", b"1")
    until(lambda: seen[1:] == [EventType.CHANGED], "changed")
    zk.get_children(ROOT + "/w", watch=lambda e: seen.append(e.type))
    other.create(ROOT + "/w/c")
    until(lambda: seen[2:] == [EventType.CHILD], "child")
    datas, childrens = [], []
    DataWatch(zk, ROOT + "/w", lambda data, stat: datas.append(data))
    ChildrenWatch(zk, ROOT + "/w", lambda children: childrens.append(sorted(children)))
    other.set(ROOT + "/w", b"2")
    other.create(ROOT + "/w/d")
    until(lambda: datas[-1] == b"2" and childrens[-1] == ["c", "d"], "recipes of watches")
    other.stop()
    other.close()


@check
def access(zk):
    zk.add_auth("digest", "ann:secret")
    zk.create(ROOT + "/acl", b"x", acl=[make_digest_acl("ann", "secret", all=True)], makepath=True)
    stranger = client()
    raises(NoAuthError, lambda: stranger.get(ROOT + "/acl"))
    stranger.add_auth("digest", "ann:secret")
    assert stranger.get(ROOT + "/acl")[0] == b"x"
    stranger.set_acls(ROOT + "/acl", [make_acl("world", "anyone", read=True)])
    raises(NoAuthError, lambda: stranger.set(ROOT + "/acl", b"y"))
    assert stranger.get_acls(ROOT + "/acl")[1].aversion == 1
    stranger.stop()
    stranger.close()


@check
def locks(zk):
    inside, most, done = [0], [0], []

    def work():
        mine = client()
        lock = mine.Lock(ROOT + "/lock")
        for _ in range(10):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1
        done.append(1)
        mine.stop()
        mine.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    [t.start() for t in threads]
    [t.join(60) for t in threads]
    assert len(done) == 3 and most[0] == 1


@check
def other_recipes(zk):
    with zk.Semaphore(ROOT + "/semaphore", max_leases=2):
        pass
    counter = zk.Counter(ROOT + "/counter")
    counter += 5
    counter -= 2
    assert counter.value == 3
    queue = zk.LockingQueue(ROOT + "/queue")
    queue.put_all([b"a", b"b"])
    assert queue.get(10) == b"a" and queue.consume()
    barrier = zk.Barrier(ROOT + "/barrier")
    barrier.create()
    threading.Timer(0.2, barrier.remove).start()
    assert barrier.wait(20)
    led = threading.Event()
    election = zk.Election(ROOT + "/election", "me")
    election.run(led.set)
    assert led.is_set()
    party = zk.Party(ROOT + "/party", "guest")
    party.join()
    assert list(party) == ["guest"]
    party.leave()


@check
def http_and_wire_are_one_tree(zk):
    if not HTTP:
        return
    seen = []
    zk.ensure_path(ROOT)
    zk.exists(ROOT + "/http", watch=lambda e: seen.append(e.type))
    request = urllib.request.Request(
        HTTP + "/znodes" + ROOT + "/http", data=b"by curl", method="PUT"
    )
    try:
        assert urllib.request.urlopen(request, timeout=10).status == 201
    except urllib.error.HTTPError as e:
        print("  (HTTP answered %s; this check needs the HTTP interface)" % e.code)
        return
    until(lambda: seen == [EventType.CREATED], "an event caused over HTTP")
    assert zk.get(ROOT + "/http")[0] == b"by curl"
    lock = zk.Lock(ROOT + "/visible")
    lock.acquire()
    with urllib.request.urlopen(
        HTTP + "/znodes" + ROOT + "/visible?view=children", timeout=10
    ) as answer:
        assert b"__lock__" in answer.read()
    lock.release()


@check
def a_session_moves_between_members(zk):
    mine = client()
    states = []
    mine.add_listener(states.append)
    mine.create(ROOT + "/moving", ephemeral=True, makepath=True)
    session = mine.client_id[0]
    for _ in range(3):
        before = len(states)
        mine._connection._socket.shutdown(socket.SHUT_RDWR)
        until(lambda: KazooState.CONNECTED in states[before:], "reconnected")
        assert mine.retry(mine.exists, ROOT + "/moving").ephemeralOwner == session
    assert KazooState.LOST not in states
    mine.stop()
    mine.close()
    assert zk.exists(ROOT + "/moving") is None


@check
def versions_and_commands(zk):
    assert zk.server_version()[:2] == (3, 9)
    assert b"imok" in zk.command(b"ruok").encode()
    zk.sync(ROOT)


def main():
    failed = 0
    zk = client()
    for function in checks:
        try:
            function(zk)
            print("ok    " + function.__name__.replace("_", " "))
        except Exception as e:  # noqa: BLE001 - reported, and the next one runs
            failed += 1
            print("FAILS %s: %r" % (function.__name__.replace("_", " "), e))
    zk.delete(ROOT, recursive=True)
    zk.stop()
    zk.close()
    print("kazoo: %d of %d" % (len(checks) - failed, len(checks)))
    sys.exit(1 if failed else 0)


main()
