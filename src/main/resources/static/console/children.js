/** The children of one open node: names in order, kept true by events. */

import { target } from './paths.js';

const FIRST_PAGE = 200;
const PAGE = 10_000;
const FACTS_PER_READ = 100;
const FRESH_FOR_MS = 10_000;
const MOST_FACTS = 5_000;

/**
 * Pages are of one zxid and are read as far as somebody looks; events after that zxid are laid over
 * what is loaded and over what is not yet. Names are compared as JavaScript compares strings, which
 * for legal names is the order of their UTF-8 bytes.
 */
export class Children extends EventTarget {
  names = [];
  /** Names that were not loaded when an event spoke of them: whether each is there. */
  #ahead = new Map();
  #unread = 0;
  #next = null;
  #hasMore = false;
  #wanted = 0;
  #loading = null;
  #facts = new Map();
  #readingFacts = false;
  #client;
  #path;
  #ended = false;

  constructor(client, path) {
    super();
    this.#client = client;
    this.#path = path;
  }

  /** How many there are, loaded or not. */
  get count() {
    return this.names.length + this.#unread;
  }

  /**
   * Reads the beginning.
   *
   * @return the zxid that it is of
   */
  async open() {
    const { document } = await this.#client.read(
      target(this.#path, { view: 'children', limit: FIRST_PAGE, include: 'stat' }));
    this.names = document.children.map((child) => child.name);
    this.#keep(document.children);
    this.#follow(document);
    return document.zxid;
  }

  close() {
    this.#ended = true;
  }

  #follow(document) {
    this.#next = document.next ?? null;
    this.#hasMore = this.#next !== null;
    this.#unread = this.#hasMore ? Math.max(0, document.total - this.names.length) : 0;
  }

  /** Makes sure that the child at `index` gets loaded, and all before it. */
  want(index) {
    this.#wanted = Math.max(this.#wanted, index);
    if (this.#hasMore && this.names.length <= this.#wanted && !this.#loading) {
      this.#loading = this.#load().finally(() => {
        this.#loading = null;
      });
    }
    return this.#loading ?? Promise.resolve();
  }

  async #load() {
    while (this.#hasMore && this.names.length <= this.#wanted && !this.#ended) {
      let document;
      try {
        const place = this.#next ? { page: this.#next } : { after: this.names.at(-1) };
        ({ document } = await this.#client.read(
          target(this.#path, { view: 'children', limit: PAGE, ...place })));
      } catch (failure) {
        if (failure.status === 410 && this.#next) {
          // The held listing has gone: go on in the newest state. What events say holds there too.
          this.#next = null;
          continue;
        }
        this.dispatchEvent(new CustomEvent('failed', { detail: failure }));
        return;
      }
      this.#append(document);
      this.dispatchEvent(new Event('grown'));
    }
  }

  #append(document) {
    const last = document.next ? document.children.at(-1) : null;
    const ahead = [...this.#ahead].filter(([name]) => last === null || name <= last);
    let page = document.children;
    if (ahead.length > 0) {
      const names = new Set(page);
      ahead.forEach(([name, present]) => {
        this.#ahead.delete(name);
        present ? names.add(name) : names.delete(name);
      });
      page = [...names].sort(byCode);
    }
    for (const name of page) {
      this.names.push(name);
    }
    this.#follow(document);
  }

  /** Index of a loaded name, or of where it would be, as `-index - 1`. */
  indexOf(name) {
    let low = 0;
    let high = this.names.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const there = this.names[middle];
      if (there === name) {
        return middle;
      }
      if (there < name) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -low - 1;
  }

  /** Loads as far as `name`; gives its index, or a negative number when there is no such child. */
  async find(name) {
    while (this.#hasMore && (this.names.length === 0 || this.names.at(-1) < name)) {
      const before = this.names.length;
      await this.want(this.names.length);
      if (this.names.length === before) {
        break;
      }
    }
    return this.indexOf(name);
  }

  /** A child came, or was written to. */
  present(name, isNew) {
    this.#facts.delete(name);
    if (this.#hasMore && (this.names.length === 0 || name > this.names.at(-1))) {
      if (isNew && this.#ahead.get(name) !== true) {
        this.#unread++;
        this.#ahead.set(name, true);
      }
      return;
    }
    const index = this.indexOf(name);
    if (index < 0) {
      this.names.splice(-index - 1, 0, name);
    }
  }

  /** A child went. */
  absent(name) {
    this.#facts.delete(name);
    if (this.#hasMore && (this.names.length === 0 || name > this.names.at(-1))) {
      if (this.#ahead.get(name) !== false) {
        this.#unread = Math.max(0, this.#unread - 1);
        this.#ahead.set(name, false);
      }
      return;
    }
    const index = this.indexOf(name);
    if (index >= 0) {
      this.names.splice(index, 1);
    }
  }

  /** What is known of a child beyond its name: its stat, or null until {@link describe} has it. */
  fact(name) {
    return this.#facts.get(name)?.stat ?? null;
  }

  /** Sees to it that the stats of these children are known and not old. */
  async describe(from, to) {
    const wanted = this.names.slice(from, to);
    const old = Date.now() - FRESH_FOR_MS;
    const first = wanted.findIndex((name) => (this.#facts.get(name)?.atMs ?? 0) < old);
    if (first < 0 || this.#readingFacts || this.#ended) {
      return;
    }
    this.#readingFacts = true;
    try {
      const { document } = await this.#client.read(
        target(this.#path, {
          view: 'children',
          include: 'stat',
          limit: Math.min(FACTS_PER_READ, wanted.length - first),
          after: this.names[from + first - 1],
        }));
      if (this.#facts.size > MOST_FACTS) {
        this.#facts.clear();
      }
      this.#keep(document.children);
      // Whoever was not in the answer has gone, and its event is on the way.
      const now = Date.now();
      wanted.slice(first).forEach((name) => this.#facts.has(name) || this.#facts.set(name, { stat: null, atMs: now }));
      this.dispatchEvent(new Event('described'));
    } catch {
      // Names alone are good enough to go on with.
    } finally {
      this.#readingFacts = false;
    }
  }

  #keep(children) {
    const atMs = Date.now();
    children.forEach(({ name, stat }) => this.#facts.set(name, { stat, atMs }));
  }
}

function byCode(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
