/** The tree of znodes: open nodes with their children, as one long list of rows. */

import { Children } from './children.js';
import { el, notice } from './dom.js';
import { ROOT, join, lineage, nameOf, parentOf } from './paths.js';
import { VirtualList } from './virtual.js';

const FLASH_MS = 1800;
const LOOK_AGAIN_MS = 10_000;
const TYPED_FOR_MS = 700;

/** An open node. */
class Branch {
  constructor(path, level, children) {
    this.path = path;
    this.level = level;
    this.children = children;
    this.open = new Map();
    this.watch = null;
  }

  /** Rows below this one. */
  get size() {
    let size = this.children.count;
    this.open.forEach((branch) => {
      size += branch.size;
    });
    return size;
  }

  /** Open children with their index, in order. */
  opened() {
    return [...this.open]
      .map(([name, branch]) => ({ index: this.children.indexOf(name), branch }))
      .filter(({ index }) => index >= 0)
      .sort((a, b) => a.index - b.index);
  }
}

/** Events: `choose` with `detail` the path; `event` with `detail` what the watch told. */
export class Tree extends EventTarget {
  #client;
  #watch;
  #box;
  #list;
  #root = null;
  #rootStat = null;
  #selected = ROOT;
  #opening = new Map();
  #flashes = new Map();
  #typed = '';
  #typedAtMs = 0;
  #following = 0;

  constructor(client, watch, box) {
    super();
    this.#client = client;
    this.#watch = watch;
    this.#box = box;
    this.#list = new VirtualList(box, {
      rows: (from, to) => this.#rows(from, to),
      make: () => this.#make(),
      fill: (element, row) => this.#fill(element, row),
    });
    box.addEventListener('keydown', (event) => this.#key(event));
    box.addEventListener('click', (event) => this.#click(event));
    setInterval(() => document.hidden || this.#list.refresh(), LOOK_AGAIN_MS);
  }

  /** Begins anew: at the start, and when the caller has become somebody else. */
  async start() {
    const open = this.#root ? this.#openPaths() : [];
    if (this.#root) {
      this.#shut(this.#root);
      this.#root = null;
    }
    await this.#expand(ROOT);
    for (const path of open) {
      await this.#expand(path);
    }
    this.#resize();
  }

  /** Shows `path` as selected, opening what is above it. */
  async select(path) {
    this.#selected = path;
    this.#list.refresh();
    const turn = ++this.#following;
    for (const step of [ROOT, ...lineage(parentOf(path))]) {
      if (turn !== this.#following || !(await this.#expand(step))) {
        return;
      }
      const parent = step === parentOf(path) ? path : null;
      const next = parent ?? lineage(path).find((candidate) => parentOf(candidate) === step);
      if (next && next !== ROOT) {
        await this.#branch(step)?.children.find(nameOf(next));
        this.#resize();
      }
    }
    if (turn === this.#following) {
      const row = this.#rowOf(path);
      if (row >= 0) {
        this.#list.reveal(row);
      }
    }
  }

  // Opening and closing

  #branch(path) {
    let branch = this.#root;
    for (const step of lineage(path)) {
      branch = branch?.open.get(nameOf(step)) ?? null;
    }
    return branch;
  }

  #openPaths() {
    const paths = [];
    const walk = (branch) => branch.open.forEach((child) => {
      paths.push(child.path);
      walk(child);
    });
    walk(this.#root);
    return paths;
  }

  /** @return whether it is open now */
  #expand(path) {
    if (this.#branch(path)) {
      return Promise.resolve(true);
    }
    let opening = this.#opening.get(path);
    if (!opening) {
      opening = this.#load(path).finally(() => this.#opening.delete(path));
      this.#opening.set(path, opening);
      this.#list.refresh();
    }
    return opening;
  }

  async #load(path) {
    const children = new Children(this.#client, path);
    let zxid;
    try {
      zxid = await children.open();
    } catch (failure) {
      if (failure.status === 0 && path === ROOT) {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        return this.#load(path);
      }
      if (failure.status !== 404) {
        notice(failure.status === 401 || failure.status === 403
          ? `${path} may not be listed by ${this.#client.user ?? 'an unknown caller'}.`
          : `${path}: ${failure.message}`, 'bad');
      }
      return false;
    }
    const parent = path === ROOT ? null : this.#branch(parentOf(path));
    if (path !== ROOT && !parent) {
      return false;
    }
    const branch = new Branch(path, parent ? parent.level + 1 : 1, children);
    children.addEventListener('grown', () => this.#resize());
    children.addEventListener('described', () => this.#list.refresh());
    children.addEventListener('failed', ({ detail }) => notice(`${path}: ${detail.message}`, 'bad'));
    branch.watch = this.#watch.subscribe({
      path,
      depth: '1',
      since: zxid,
      heard: (event) => this.#heard(branch, event),
      gone: () => this.#reopen(branch),
    });
    if (parent) {
      parent.open.set(nameOf(path), branch);
    } else {
      this.#root = branch;
    }
    this.#resize();
    return true;
  }

  #shut(branch) {
    branch.watch.close();
    branch.children.close();
    branch.open.forEach((child) => this.#shut(child));
  }

  #collapse(path) {
    const branch = path === ROOT ? null : this.#branch(path);
    if (branch) {
      this.#shut(branch);
      this.#branch(parentOf(path)).open.delete(nameOf(path));
      this.#resize();
    }
  }

  /** The history no longer reaches back to what is shown, so it is read again. */
  async #reopen(branch) {
    if (branch === this.#root) {
      await this.start();
    } else {
      this.#collapse(branch.path);
      await this.#expand(branch.path);
    }
  }

  // What the watch tells

  #heard(branch, event) {
    this.dispatchEvent(new CustomEvent('event', { detail: event }));
    if (event.path === branch.path) {
      if (event.event === 'deleted' && branch.path !== ROOT) {
        this.#collapse(branch.path);
      }
      if (event.event !== 'children') {
        this.#flash(event.path, event.event);
      }
      return;
    }
    const name = nameOf(event.path);
    if (event.event === 'deleted') {
      branch.children.absent(name);
      this.#collapse(event.path);
      this.#flash(branch.path, 'deleted');
    } else {
      branch.children.present(name, event.event === 'created');
      this.#flash(event.path, event.event);
    }
    this.#resize();
  }

  #flash(path, kind) {
    if (this.#flashes.size > 2000) {
      this.#flashes.clear();
    }
    this.#flashes.set(path, { kind, atMs: performance.now() });
    this.#list.refresh();
  }

  // Rows: the root is row 0, and a branch's children follow it.

  #resize() {
    this.#list.resize(this.#root ? 1 + this.#root.size : 0);
  }

  #rows(from, to) {
    if (!this.#root) {
      return [];
    }
    const rows = [];
    if (from === 0) {
      rows.push({ key: ROOT, path: ROOT, name: ROOT, level: 0, index: 0, of: 1, branch: this.#root, stat: null });
    }
    this.#collect(this.#root, 1, from, to, rows);
    return rows;
  }

  /** Adds the rows of `branch` that lie in from..to; gives the row after its last. */
  #collect(branch, start, from, to, rows) {
    const { children } = branch;
    let row = start;
    let index = 0;
    let seenFrom = Infinity;
    let seenTo = 0;
    const plain = (end) => {
      const first = Math.max(index, index + from - row);
      const last = Math.min(end, index + to - row);
      for (let i = first; i < last; i++) {
        rows.push(this.#row(branch, i));
      }
      if (first < last) {
        seenFrom = Math.min(seenFrom, first);
        seenTo = Math.max(seenTo, last);
      }
      row += end - index;
      index = end;
    };
    for (const { index: at, branch: child } of branch.opened()) {
      plain(at + 1);
      const size = child.size;
      if (row < to && row + size > from) {
        this.#collect(child, row, from, to, rows);
      }
      row += size;
    }
    plain(children.count);
    if (seenTo > 0) {
      children.want(seenTo - 1);
      children.describe(seenFrom, Math.min(seenTo, children.names.length));
    }
    return row;
  }

  #row(branch, index) {
    const { children } = branch;
    const name = children.names[index];
    if (name === undefined) {
      return { key: `${branch.path}\n${index}`, path: null, level: branch.level, index, of: children.count };
    }
    const path = join(branch.path, name);
    return {
      key: path,
      path,
      name,
      level: branch.level,
      index,
      of: children.count,
      branch: branch.open.get(name) ?? null,
      stat: children.fact(name),
    };
  }

  /** The row that shows `path`, or -1 when none does. */
  #rowOf(path) {
    let row = 0;
    let branch = this.#root;
    for (const step of lineage(path)) {
      const index = branch ? branch.children.indexOf(nameOf(step)) : -1;
      if (index < 0) {
        return -1;
      }
      row += 1 + index;
      for (const { index: at, branch: child } of branch.opened()) {
        row += at < index ? child.size : 0;
      }
      branch = branch.open.get(nameOf(step)) ?? null;
    }
    return this.#root ? row : -1;
  }

  #make() {
    return el('div', { class: 'row', role: 'treeitem' },
      el('span', { class: 'twist', 'aria-hidden': 'true' }),
      el('span', { class: 'name' }),
      el('span', { class: 'mark' }),
      el('span', { class: 'count' }));
  }

  #fill(element, row) {
    const [twist, name, mark, count] = element.children;
    const selected = row.path !== null && row.path === this.#selected;
    const opening = this.#opening.has(row.path);
    const childCount = row.branch ? row.branch.children.count : row.stat?.numChildren ?? 0;
    element.id = `row-${row.level}-${row.index}`;
    element.classList.toggle('waiting', row.path === null);
    element.classList.toggle('leaf', !row.branch && childCount === 0);
    element.classList.toggle('ephemeral', Boolean(row.stat?.ephemeralOwner));
    element.style.setProperty('--level', row.level);
    element.setAttribute('aria-level', row.level + 1);
    element.setAttribute('aria-posinset', row.index + 1);
    element.setAttribute('aria-setsize', row.of);
    element.setAttribute('aria-selected', selected);
    if (row.branch || childCount > 0) {
      element.setAttribute('aria-expanded', Boolean(row.branch));
    } else {
      element.removeAttribute('aria-expanded');
    }
    element.dataset.path = row.path ?? '';
    twist.className = `twist${row.branch ? ' open' : ''}${opening ? ' busy' : ''}`;
    name.textContent = row.path === null ? '' : row.name;
    mark.textContent = row.stat?.ephemeralOwner ? 'ephemeral' : '';
    count.textContent = childCount > 0 ? childCount.toLocaleString('en') : '';
    if (selected) {
      this.#box.setAttribute('aria-activedescendant', element.id);
    }
    this.#shine(element, row.path);
  }

  /** A change glows once, wherever its row is drawn while the glow lasts. */
  #shine(element, path) {
    const flash = this.#flashes.get(path);
    if (!flash) {
      return;
    }
    const age = performance.now() - flash.atMs;
    if (age >= FLASH_MS) {
      this.#flashes.delete(path);
    } else if (element.flash !== flash) {
      element.flash = flash;
      element.dataset.flash = flash.kind;
      element.getAnimations().forEach((animation) => animation.cancel());
      const glow = element.animate(
        [{ backgroundColor: `var(--${flash.kind}-glow)` }, { backgroundColor: 'transparent' }],
        { duration: FLASH_MS, easing: 'ease-out' });
      glow.currentTime = age;
      glow.onfinish = () => delete element.dataset.flash;
      glow.oncancel = () => delete element.dataset.flash;
    }
  }

  // Hands

  #choose(path) {
    if (path !== this.#selected) {
      this.#selected = path;
      this.#list.refresh();
    }
    this.dispatchEvent(new CustomEvent('choose', { detail: path }));
  }

  #toggle(path) {
    if (this.#branch(path)) {
      this.#collapse(path);
    } else {
      this.#expand(path);
    }
  }

  #click(event) {
    const path = event.target.closest('.row')?.dataset.path;
    if (!path) {
      return;
    }
    if (event.target.classList.contains('twist')) {
      this.#toggle(path);
    } else {
      if (event.detail === 2) {
        this.#toggle(path);
      }
      this.#choose(path);
      this.dispatchEvent(new CustomEvent('enter', { detail: path }));
    }
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#root) {
      return;
    }
    const path = this.#selected;
    const row = Math.max(0, this.#rowOf(path));
    const page = this.#list.rowsInView - 1;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      this.#go(row + moves[event.key]);
    } else if (event.key === 'ArrowRight') {
      if (this.#branch(path)) {
        this.#go(row + 1);
      } else {
        this.#expand(path);
      }
    } else if (event.key === 'ArrowLeft') {
      if (path !== ROOT && this.#branch(path)) {
        this.#collapse(path);
      } else {
        this.#go(this.#rowOf(parentOf(path)));
      }
    } else if (event.key === 'Enter') {
      this.dispatchEvent(new CustomEvent('enter', { detail: path }));
    } else if (event.key === ' ') {
      this.#toggle(path);
    } else if (event.key.length === 1 && !'/?'.includes(event.key)) {
      this.#typeAhead(event.key, row);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  async #go(row) {
    const last = this.#root.size;
    const wanted = Math.min(last, Math.max(0, row));
    this.#list.reveal(wanted);
    let [there] = this.#rows(wanted, wanted + 1);
    if (there && there.path === null) {
      // Far ahead of what is loaded: go there when it is.
      const turn = ++this.#following;
      const branch = this.#branchAt(wanted);
      await branch?.children.want(there.index);
      if (turn !== this.#following) {
        return;
      }
      [there] = this.#rows(wanted, wanted + 1);
    }
    if (there?.path) {
      this.#choose(there.path);
      this.#list.reveal(this.#rowOf(there.path));
    }
  }

  #branchAt(row) {
    const walk = (branch, start) => {
      let first = start;
      for (const { index, branch: child } of branch.opened()) {
        const below = first + index + 1;
        if (row >= below && row < below + child.size) {
          return walk(child, below);
        }
        first += child.size;
      }
      return branch;
    };
    return walk(this.#root, 1);
  }

  #typeAhead(letter, row) {
    const now = performance.now();
    this.#typed = now - this.#typedAtMs < TYPED_FOR_MS ? this.#typed + letter : letter;
    this.#typedAtMs = now;
    const branch = this.#branch(parentOf(this.#selected)) ?? this.#root;
    const index = branch.children.indexOf(this.#typed);
    const at = index < 0 ? -index - 1 : index;
    const name = branch.children.names[at];
    if (name?.startsWith(this.#typed)) {
      this.#go(this.#rowOf(join(branch.path, name)));
    }
  }
}
