// What a node program does with ZooKeeper, done with Quorate. Argument: hosts.
'use strict';
const assert = require('assert');
const zookeeper = require('node-zookeeper-client');

const { ACL, CreateMode, Event, Exception, Permission, Id } = zookeeper;
const root = '/node-' + process.pid;

function connect() {
  const client = zookeeper.createClient(process.argv[2], { sessionTimeout: 10000, retries: 2 });
  return new Promise((resolve) => {
    client.once('connected', () => resolve(client));
    client.connect();
  });
}

function ask(client, method, ...args) {
  return new Promise((resolve, reject) =>
    client[method](...args, (error, ...answers) => (error ? reject(error) : resolve(answers)))
  );
}

async function fails(code, promise) {
  try {
    await promise;
  } catch (error) {
    assert.strictEqual(error.getCode(), code);
    return;
  }
  assert.fail('expected error ' + code);
}

// Another member may be a little behind, and this client has no sync.
async function soon(check) {
  for (let left = 40; ; left--) {
    try {
      return await check();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const checks = {
  async 'nodes are created, read, set and deleted'(zk) {
    assert.deepStrictEqual(await ask(zk, 'create', root + '/a', Buffer.from('one')), [root + '/a']);
    const [data, stat] = await ask(zk, 'getData', root + '/a');
    assert.strictEqual(data.toString(), 'one');
    assert.strictEqual(stat.version, 0);
    const [set] = await ask(zk, 'setData', root + '/a', Buffer.from('two'), 0);
    assert.strictEqual(set.version, 1);
    await fails(Exception.BAD_VERSION, ask(zk, 'setData', root + '/a', Buffer.from('x'), 0));
    await fails(Exception.NODE_EXISTS, ask(zk, 'create', root + '/a'));
    await fails(Exception.NO_NODE, ask(zk, 'getData', root + '/none'));
    const [children] = await ask(zk, 'getChildren', root);
    assert.deepStrictEqual(children, ['a']);
    await ask(zk, 'remove', root + '/a', 1);
    assert.deepStrictEqual(await ask(zk, 'exists', root + '/a'), [null]);
  },
  async 'sequences and ephemerals'(zk) {
    const other = await connect();
    const [first] = await ask(other, 'create', root + '/s-', CreateMode.EPHEMERAL_SEQUENTIAL);
    const [second] = await ask(other, 'create', root + '/s-', CreateMode.EPHEMERAL_SEQUENTIAL);
    assert.ok(first < second && /\d{10}$/.test(first));
    const closed = new Promise((resolve) => other.once('disconnected', resolve));
    other.close();
    await closed;
    await soon(async () => assert.deepStrictEqual(await ask(zk, 'exists', first), [null]));
  },
  async 'a transaction is all or nothing'(zk) {
    await ask(
      zk.transaction().create(root + '/t').setData(root + '/t', Buffer.from('1')).check(root + '/t'),
      'commit'
    );
    await fails(
      Exception.NO_NODE,
      ask(zk.transaction().create(root + '/u').remove(root + '/none'), 'commit')
    );
    assert.deepStrictEqual(await ask(zk, 'exists', root + '/u'), [null]);
  },
  async 'watches fire'(zk) {
    const other = await connect();
    const seen = [];
    await ask(zk, 'exists', root + '/w', (event) => seen.push(event.getType()));
    await ask(other, 'create', root + '/w');
    await soon(() => ask(zk, 'getData', root + '/w', (event) => seen.push(event.getType())));
    await ask(other, 'setData', root + '/w', Buffer.from('1'));
    await ask(zk, 'getChildren', root + '/w', (event) => seen.push(event.getType()));
    await ask(other, 'create', root + '/w/c');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepStrictEqual(seen, [
      Event.NODE_CREATED,
      Event.NODE_DATA_CHANGED,
      Event.NODE_CHILDREN_CHANGED,
    ]);
    other.close();
  },
  async 'access is controlled'(zk) {
    zk.addAuthInfo('digest', Buffer.from('ann:pw'));
    await ask(zk, 'create', root + '/acl', [new ACL(Permission.ALL, new Id('auth', ''))]);
    const other = await connect();
    await soon(() => fails(Exception.NO_AUTH, ask(other, 'getData', root + '/acl')));
    const [acls] = await ask(zk, 'getACL', root + '/acl');
    assert.strictEqual(acls[0].id.scheme, 'digest');
    other.close();
  },
  async 'mkdirp and listSubTree'(zk) {
    await ask(zk, 'mkdirp', root + '/x/y/z');
    assert.ok((await ask(zk, 'exists', root + '/x/y/z'))[0]);
  },
};

(async () => {
  const zk = await connect();
  await ask(zk, 'create', root);
  let failed = 0;
  for (const [name, run] of Object.entries(checks)) {
    try {
      await run(zk);
      console.log('ok    ' + name);
    } catch (error) {
      failed++;
      console.log('FAILS ' + name + ': ' + (error.stack || error));
    }
  }
  zk.close();
  console.log('node: ' + (Object.keys(checks).length - failed) + ' of ' + Object.keys(checks).length);
  process.exit(failed ? 1 : 0);
})();
