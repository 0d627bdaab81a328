/** The console: a tree, a node, and what happens, over one HTTP client and one watch. */

import { Client } from './console/client.js';
import { keepCluster } from './console/cluster.js';
import { showKeys, signIn } from './console/dialogs.js';
import { byId, keepTime, notice } from './console/dom.js';
import { Feed } from './console/feed.js';
import { NodePane } from './console/node.js';
import { ROOT, ofHash, tidy, toHash } from './console/paths.js';
import { Tree } from './console/tree.js';
import { Watch } from './console/watch.js';

const client = new Client();
const watch = new Watch(client);
const tree = new Tree(client, watch, byId('tree'));
const node = new NodePane(client, watch, byId('node'));
const feed = new Feed();

// Where we are: the hash is the path, so that links, back and forward work.

function follow() {
  const path = ofHash(location.hash) ?? ROOT;
  if (path === node.path) {
    return;
  }
  if (node.isDirty && !confirm('What you typed is not written. Leave it?')) {
    history.replaceState(null, '', toHash(node.path));
    return;
  }
  document.title = path === ROOT ? 'Quorate' : `${path} · Quorate`;
  byId('path').value = path;
  tree.select(path);
  node.select(path);
}

// Walking through the tree with the arrow keys is no history, and a glance at every node no read.
let walking = 0;
tree.addEventListener('choose', ({ detail: path }) => {
  clearTimeout(walking);
  walking = setTimeout(() => {
    if (path !== node.path) {
      history.replaceState(null, '', toHash(path));
      follow();
    }
  }, 70);
});
tree.addEventListener('enter', ({ detail: path }) => {
  location.hash = toHash(path);
  if (matchMedia('(max-width: 759px)').matches) {
    showPane('node');
  }
});
addEventListener('hashchange', () => {
  follow();
  if (document.body.dataset.pane === 'feed') {
    showPane('node');
  }
});

// What happens

tree.addEventListener('event', ({ detail }) => feed.add(detail));
node.addEventListener('event', ({ detail }) => feed.add(detail));

function showConnection() {
  const chip = byId('connection');
  chip.dataset.state = watch.state;
  const seconds = Math.max(0, Math.ceil((watch.retryAtMs - Date.now()) / 1000));
  chip.textContent = { live: 'live', connecting: 'connecting', lost: seconds ? `lost, again in ${seconds} s` : 'lost, trying' }[watch.state];
  chip.title = {
    live: 'Changes arrive as they happen.',
    connecting: 'Opening the watch.',
    lost: 'The watch broke off. It goes on where it was, so that nothing is missed.',
  }[watch.state];
}
watch.addEventListener('state', () => {
  showConnection();
  if (watch.state === 'lost') {
    feed.remark('the connection broke off');
  }
});
setInterval(() => watch.state === 'lost' && showConnection(), 500);
watch.addEventListener('resumed', ({ detail }) =>
  feed.remark(`connected again after ${(detail.afterMs / 1000).toFixed(1)} s; resumed where it was`));
watch.addEventListener('refused', ({ detail: { frame, path } }) => {
  if (path) {
    feed.remark(`${path} is not watched: ${frame.detail ?? frame.code ?? 'refused'}`);
  }
});
client.addEventListener('stale', ({ detail }) => {
  byId('stale').hidden = !detail;
});

// Who asks

byId('credentials').addEventListener('click', () => signIn(client, () => {
  byId('credentials').textContent = client.user ?? 'Sign in';
  watch.connect();
  tree.start();
  node.reload();
}));
client.addEventListener('session', () => {
  const chip = byId('session');
  chip.hidden = !client.session;
  chip.textContent = 'session';
  chip.title = client.session ? `Session ${client.session.id}: its ephemeral nodes go when this page does.` : '';
});
byId('session').addEventListener('click', () => notice(byId('session').title));
addEventListener('pagehide', () => client.closeSession());
// A page that comes back from the browser's cache has lost its session and its watch.
addEventListener('pageshow', (event) => event.persisted && location.reload());
addEventListener('beforeunload', (event) => node.isDirty && event.preventDefault());

// Hands

byId('goto').addEventListener('submit', (event) => {
  event.preventDefault();
  location.hash = toHash(tidy(byId('path').value));
  byId('tree').focus();
  if (matchMedia('(max-width: 759px)').matches) {
    showPane('node');
  }
});

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')
      || event.target.closest('input, textarea, select')) {
    return;
  }
  const act = {
    '/': () => byId('path').select(),
    '?': showKeys,
    F2: () => node.edit(),
    Insert: () => node.create(),
    Delete: () => node.remove(),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

function showPane(pane) {
  document.body.dataset.pane = pane;
  document.querySelectorAll('.tabs button').forEach((tab) =>
    tab.setAttribute('aria-current', String(tab.dataset.pane === pane)));
  if (pane === 'feed') {
    feed.seen();
  }
}
document.querySelectorAll('.tabs button').forEach((tab) =>
  tab.addEventListener('click', () => showPane(tab.dataset.pane)));
showPane('tree');

watch.connect();
keepCluster(client);
keepTime();
tree.start().then(follow);
