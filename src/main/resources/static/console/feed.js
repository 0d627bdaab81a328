/** The latest events, newest first, each once whatever watch told it. */

import { byId, el } from './dom.js';
import { toHash } from './paths.js';

const MOST_LINES = 200;
const MOST_REMEMBERED = 2_000;
const SIGNS = { created: '+', changed: '~', deleted: '−' };
const PER_FRAME = 60;

export class Feed {
  #list = byId('feed');
  #told = new Set();
  #waiting = [];
  #due = 0;
  #total = 0;
  #unseen = 0;
  #paused = false;

  constructor() {
    byId('feed-pause').addEventListener('click', ({ target }) => {
      this.#paused = !this.#paused;
      target.setAttribute('aria-pressed', this.#paused);
      target.textContent = this.#paused ? 'Go on' : 'Pause';
      this.#draw();
    });
    byId('feed-clear').addEventListener('click', () => {
      this.#waiting = [];
      this.#list.replaceChildren();
      this.#say();
    });
  }

  /** An event of the tree. That children changed is told by their own events already. */
  add(event) {
    if (event.event === 'children' || this.#told.has(event.pos)) {
      return;
    }
    this.#told.add(event.pos);
    if (this.#told.size > MOST_REMEMBERED) {
      this.#told.delete(this.#told.values().next().value);
    }
    this.#total++;
    this.#unseen++;
    this.#push({ kind: event.event, at: new Date(), path: event.path, note: event.zxid });
  }

  /** Something about the connection. */
  remark(text) {
    this.#push({ kind: 'remark', at: new Date(), path: null, note: text });
  }

  /** They have been looked at. */
  seen() {
    this.#unseen = 0;
    this.#say();
  }

  #push(line) {
    this.#waiting.push(line);
    if (this.#waiting.length > MOST_LINES) {
      this.#waiting.shift();
    }
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      this.#draw();
    });
  }

  #draw() {
    if (!this.#paused) {
      const lines = this.#waiting.splice(0).map(line);
      this.#list.prepend(...lines.reverse());
      lines.slice(0, PER_FRAME).forEach((item) => item.classList.add('fresh'));
      while (this.#list.childElementCount > MOST_LINES) {
        this.#list.lastElementChild.remove();
      }
    }
    this.#say();
  }

  #say() {
    byId('feed-count').textContent = this.#total ? this.#total.toLocaleString('en') : '';
    byId('feed-empty').hidden = this.#list.childElementCount > 0;
    byId('feed-unseen').hidden = this.#unseen === 0;
    byId('feed-unseen').textContent = this.#unseen > 99 ? '99+' : String(this.#unseen);
  }
}

function line({ kind, at, path, note }) {
  const time = el('time', { datetime: at.toISOString() }, at.toLocaleTimeString([], { hour12: false }));
  if (path === null) {
    return el('li', { class: 'event remark' }, time, el('span', { class: 'remark-text' }, note));
  }
  return el('li', { class: `event ${kind}`, data: { path } },
    time,
    el('span', { class: 'sign', title: kind, 'aria-label': kind }, SIGNS[kind] ?? '·'),
    el('a', { href: toHash(path), title: path }, el('bdi', {}, path)),
    el('span', { class: 'zxid' }, note));
}
