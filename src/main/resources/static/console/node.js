/** The selected znode: its value, its facts, who may do what, and the same by curl. */

import { accessTable, editAccess } from './access.js';
import { curl } from './client.js';
import { createChild, deleteNode } from './dialogs.js';
import { button, copy, el, since } from './dom.js';
import { Editor } from './editor.js';
import { ROOT, lineage, nameOf, parentOf, target, toHash } from './paths.js';
import { bytesOf, looks, show } from './value.js';

const LOOK_NAMES = { json: 'JSON', text: 'Text', hex: 'Hex' };

/** The pane of one znode at a time. Events: `event` with `detail` what the watch told. */
export class NodePane extends EventTarget {
  #client;
  #watch;
  #pane;
  #path = null;
  #node = null;
  #acl = null;
  #failure = null;
  #subscription = null;
  #reading = null;
  #readAgain = false;
  #look = null;
  #editor = null;
  /** What {@link #card} shows, so that news about the rest leaves it as it is. */
  #shown = null;
  #card = null;

  constructor(client, watch, pane) {
    super();
    this.#client = client;
    this.#watch = watch;
    this.#pane = pane;
  }

  get path() {
    return this.#path;
  }

  /** Whether somebody has typed what is not yet written. */
  get isDirty() {
    return this.#editor?.isDirty ?? false;
  }

  async select(path) {
    if (path === this.#path) {
      return;
    }
    this.#path = path;
    this.#look = null;
    this.#editor = null;
    this.#node = null;
    await this.reload();
  }

  /** Reads anew and watches from there. */
  async reload() {
    this.#subscription?.close();
    this.#subscription = null;
    const path = this.#path;
    const zxid = await this.#read();
    if (path !== this.#path || this.#subscription) {
      return;
    }
    this.#subscription = this.#watch.subscribe({
      path,
      depth: '0',
      since: zxid,
      heard: (event) => {
        this.dispatchEvent(new CustomEvent('event', { detail: event }));
        this.#changed();
      },
      gone: () => this.reload(),
    });
  }

  /** Events come faster than reads: one read at a time, and one more when something came meanwhile. */
  async #changed() {
    if (this.#reading) {
      this.#readAgain = true;
      return;
    }
    const etag = this.#node?.etag;
    await this.#read();
    if (this.#node && this.#node.etag !== etag) {
      this.#pane.querySelector('.value-card')?.animate(
        [{ boxShadow: '0 0 0 2px var(--changed)' }, { boxShadow: '0 0 0 2px transparent' }], { duration: 1600, easing: 'ease-out' });
    }
    if (this.#readAgain) {
      this.#readAgain = false;
      await this.#changed();
    }
  }

  async #read() {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    const path = this.#path;
    let zxid = null;
    try {
      const [node, acl] = await Promise.all([
        this.#client.read(target(path, { view: 'node' }), reading),
        this.#client.read(target(path, { view: 'acl' }), reading).catch((failure) => {
          if (failure.name === 'AbortError') {
            throw failure;
          }
          return null;
        }),
      ]);
      zxid = node.headers.get('Quorate-Zxid');
      this.#node = known(node.document);
      this.#acl = acl?.document ?? null;
      this.#failure = null;
    } catch (failure) {
      if (failure.name === 'AbortError') {
        return null;
      }
      this.#node = null;
      this.#failure = failure;
      zxid = failure.zxid ?? null;
    } finally {
      if (this.#reading === reading) {
        this.#reading = null;
      }
    }
    this.#draw();
    return zxid;
  }

  // What hands and keys can ask for

  edit() {
    if (this.#node && !this.#editor) {
      this.#editor = new Editor(this.#client, this.#node, {
        done: () => {
          this.#editor = null;
          this.reload();
        },
        left: () => {
          this.#editor = null;
          this.#draw();
        },
      });
      this.#draw();
      this.#editor.focus();
    }
  }

  create() {
    if (this.#node) {
      createChild(this.#client, this.#path);
    }
  }

  remove() {
    if (this.#node && this.#path !== ROOT) {
      deleteNode(this.#client, this.#node);
    }
  }

  // Drawing

  #draw() {
    const scroll = this.#pane.scrollTop;
    this.#pane.dataset.path = this.#path;
    if (this.#editor) {
      this.#editor.newest(this.#node);
      this.#show(this.#node ? [this.#head()] : [this.#crumbs()], this.#editor.element, this.#node ? this.#below() : []);
    } else if (this.#node) {
      this.#show([this.#head()], this.#value(), this.#below());
    } else {
      this.#show([this.#crumbs()], this.#absent(), []);
    }
    this.#pane.scrollTop = scroll;
  }

  /** Puts `above` and `below` around `main`, which is not moved: its focus, selection and scroll stay. */
  #show(above, main, below) {
    [...this.#pane.children].forEach((child) => child === main || child.remove());
    if (main.parentNode !== this.#pane) {
      this.#pane.append(main);
    }
    main.before(...above);
    main.after(...below);
  }

  #below() {
    return [this.#facts(), this.#access(), this.#commands()];
  }

  #crumbs() {
    const steps = lineage(parentOf(this.#path));
    return el('nav', { class: 'crumbs', 'aria-label': 'Path' },
      el('a', { href: toHash(ROOT) }, '/'),
      steps.map((step) => [el('a', { href: toHash(step) }, el('bdi', {}, nameOf(step))), el('span', {}, '/')]),
      this.#path !== ROOT && el('bdi', { class: 'here' }, nameOf(this.#path)),
      button('Copy path', () => copy(this.#path), { class: 'small', 'aria-label': 'Copy the path' }));
  }

  #head() {
    const { stat, contentType } = this.#node;
    return el('div', { class: 'node-head' },
      this.#crumbs(),
      el('h1', {}, el('bdi', {}, this.#path === ROOT ? 'The root' : nameOf(this.#path))),
      el('p', { class: 'badges' },
        el('span', { class: 'badge' }, `version ${stat.version}`),
        el('span', { class: 'badge' }, size(stat.dataLength)),
        el('span', { class: 'badge' }, counted(stat.numChildren, 'child', 'children')),
        contentType && el('span', { class: 'badge' }, contentType),
        stat.ephemeralOwner !== 0 && el('span', { class: 'badge ephemeral' }, 'ephemeral'),
        el('span', { class: 'quiet' }, 'changed ', since(stat.mtime))),
      el('div', { class: 'actions' },
        button('Edit', () => this.edit(), { id: 'edit', class: 'primary', disabled: this.#editor !== null, title: 'F2' }),
        button('New child', () => this.create(), { id: 'create', title: 'Insert', disabled: stat.ephemeralOwner !== 0 }),
        this.#path !== ROOT && button('Delete', () => this.remove(), { id: 'delete', class: 'danger', title: 'Delete' })));
  }

  #value() {
    const { bytes } = this.#node;
    const ways = looks(bytes);
    const look = ways.includes(this.#look) ? this.#look : ways[0];
    const shown = `${this.#path} ${this.#node.etag} ${look}`;
    if (this.#shown !== shown) {
      this.#shown = shown;
      this.#card = this.#valueCard(bytes, ways, look);
    }
    return this.#card;
  }

  #valueCard(bytes, ways, look) {
    return el('section', { class: 'card value-card', 'aria-label': 'Value' },
      el('div', { class: 'card-head' },
        el('h2', {}, 'Value'),
        el('div', { class: 'segments', role: 'group', 'aria-label': 'Show as' },
          bytes.length > 0 && ways.map((way) =>
            button(LOOK_NAMES[way], () => {
              this.#look = way;
              this.#draw();
            }, { 'aria-pressed': String(way === look) })))),
      show(bytes, look));
  }

  #facts() {
    const { stat } = this.#node;
    const zxid = (number) => `0x${number.toString(16)}`;
    const rows = [
      ['Created', since(stat.ctime), `czxid ${zxid(stat.czxid)}`],
      ['Value set', since(stat.mtime), `version ${stat.version} · mzxid ${zxid(stat.mzxid)}`],
      ['Size', size(stat.dataLength), `dataLength ${stat.dataLength}`],
      ['Children', stat.numChildren.toLocaleString('en'), `cversion ${stat.cversion} · pzxid ${zxid(stat.pzxid)}`],
      ['Access list', `set ${counted(stat.aversion, 'time', 'times')}`, `aversion ${stat.aversion}`],
      ['Owner', stat.ephemeralOwner === 0 ? 'none, it stays' : 'a session, it goes with it',
        `ephemeralOwner ${stat.ephemeralOwner}`],
    ];
    return el('section', { class: 'card', 'aria-label': 'Stat' },
      el('div', { class: 'card-head' }, el('h2', {}, 'Stat')),
      el('table', { class: 'stat' }, el('tbody', {}, rows.map(([name, meaning, field]) =>
        el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, meaning), el('td', { class: 'field' }, field))))));
  }

  #access() {
    const known = this.#acl;
    return el('section', { class: 'card', 'aria-label': 'Access' },
      el('div', { class: 'card-head' },
        el('h2', {}, 'Access'),
        known && button('Change', () => editAccess(this.#client, this.#path, known, () => this.reload()), { id: 'access', class: 'small' })),
      known ? accessTable(known.acl) : el('p', { class: 'quiet pad' }, 'The access list may not be read.'));
  }

  #commands() {
    const path = this.#path;
    const { etag } = this.#node;
    const get = (options) => curl(this.#client, 'GET', target(path, options));
    const watch = `/watch?path=${encodeURIComponent(path)}&depth=1`;
    return el('section', { class: 'card', 'aria-label': 'As curl' },
      el('div', { class: 'card-head' }, el('h2', {}, 'As curl')),
      el('ul', { class: 'commands' },
        command('Read', get()),
        command('Stat and value', get({ view: 'node' })),
        command('Children', get({ view: 'children' })),
        command('Watch', curl(this.#client, 'GET', watch, { headers: { Accept: 'text/event-stream' } }).replace('curl', 'curl -N')),
        command('Replace what you see', curl(this.#client, 'PUT', target(path),
          { headers: { 'If-Match': `"${etag}"` }, body: new TextEncoder().encode('new value') })),
        path !== ROOT && command('Delete what you see', curl(this.#client, 'DELETE', target(path), { headers: { 'If-Match': `"${etag}"` } }))));
  }

  #absent() {
    const { status, message } = this.#failure;
    const path = this.#path;
    if (status === 404) {
      return el('div', { class: 'absent' },
        el('h1', {}, 'Nothing here'),
        el('p', {}, el('bdi', {}, path), ' does not exist. When it is created, it appears here.'),
        path !== ROOT && button('Create it', () => createChild(this.#client, parentOf(path), nameOf(path)), { class: 'primary' }));
    }
    if (status === 401 || status === 403) {
      return el('div', { class: 'absent' },
        el('h1', {}, 'Not for everyone'),
        el('p', {}, status === 401
          ? 'This node may be read only by those it names. Sign in and it is tried again.'
          : `${this.#client.user ?? 'You'} may not read this node.`));
    }
    return el('div', { class: 'absent' },
      el('h1', {}, 'No answer'),
      el('p', {}, message),
      button('Try again', () => this.reload(), { class: 'primary' }));
  }
}

/** A node as the page speaks of it: with its bytes and the tag that a guarded write names. */
export function known(document) {
  return { ...document, bytes: bytesOf(document), etag: `0x${document.stat.mzxid.toString(16)}` };
}

/** A command line and a button that copies it. */
export function command(name, line) {
  return el('li', {},
    el('span', { class: 'command-name' }, name),
    el('code', { tabindex: '0' }, line),
    button('Copy', () => copy(line), { class: 'small', 'aria-label': `Copy: ${name}` }));
}

function counted(number, one, many) {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

function size(bytes) {
  return bytes < 1024 ? counted(bytes, 'byte', 'bytes') : `${(bytes / 1024).toFixed(1)} KiB`;
}
