/** Editing a value, so that nobody overwrites what they have not seen. */

import { curl } from './client.js';
import { button, copy, el, notice, since } from './dom.js';
import { nameOf, target } from './paths.js';
import { bytesOf, compared, ofDraft, readable, toDraft } from './value.js';

/**
 * The form in the place of the value. It writes only over the version that the writer saw; when
 * there is a newer one, it shows both and asks.
 */
export class Editor {
  element;
  #client;
  #path;
  #base;
  #newest;
  #form;
  #newline;
  #area;
  #type;
  #conflict = el('div', { class: 'conflict-place' });
  #problem = el('p', { class: 'problem', role: 'alert', hidden: true });
  #save;
  #isWriting = false;
  #done;

  /**
   * @param node as it was seen when editing began
   * @param done called when it is written
   * @param left called when the writer has thought better of it
   */
  constructor(client, node, { done, left }) {
    this.#client = client;
    this.#path = node.path;
    this.#base = node;
    this.#newest = node;
    this.#done = done;
    const draft = toDraft(node.bytes);
    this.#form = draft.form;
    this.#newline = draft.newline;
    this.#area = el('textarea', {
      id: 'draft', class: 'draft', value: draft.content, spellcheck: 'false', autocapitalize: 'off', 'aria-label': 'Value',
      rows: String(Math.min(24, Math.max(6, draft.content.split('\n').length + 1))),
    });
    this.#type = el('input', { id: 'draft-type', type: 'text', value: node.contentType ?? '', placeholder: 'none', spellcheck: 'false' });
    this.#save = el('button', { type: 'submit', id: 'save', class: 'primary', title: 'Ctrl+Enter' }, 'Save');
    const formButton = (name, label) => button(label, () => this.#use(name), { data: { form: name }, 'aria-pressed': String(name === this.#form) });
    this.element = el('form', { class: 'card value-card editor' },
      el('div', { class: 'card-head' },
        el('h2', {}, 'Edit the value'),
        el('div', { class: 'segments', role: 'group', 'aria-label': 'Write as' }, formButton('text', 'Text'), formButton('hex', 'Hex'))),
      this.#conflict,
      this.#area,
      this.#problem,
      el('div', { class: 'editor-foot' },
        el('label', { class: 'inline', for: 'draft-type' }, 'Content type ', this.#type),
        el('span', { class: 'grow' }),
        button('Copy as curl', () => this.#copyCurl(), { class: 'small' }),
        button('Cancel', left),
        this.#save));
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#write();
    });
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        this.element.requestSubmit();
      } else if (event.key === 'Escape' && !this.isDirty) {
        left();
      }
    });
  }

  get isDirty() {
    try {
      return !same(this.#bytes(), this.#base.bytes);
    } catch {
      return true;
    }
  }

  focus() {
    this.#area.focus();
    this.#area.setSelectionRange(0, 0);
  }

  /** What the node is now, or null when it has gone. A change under the writer's hands is shown. */
  newest(node) {
    this.#newest = node;
    if (!this.#isWriting && node?.etag !== this.#base.etag) {
      this.#showConflict(false);
    }
  }

  #bytes() {
    return ofDraft({ form: this.#form, content: this.#area.value, newline: this.#newline });
  }

  #use(form) {
    if (form === this.#form) {
      return;
    }
    try {
      const draft = toDraft(this.#bytes());
      if (form === 'text' && draft.form === 'hex') {
        throw new SyntaxError('These bytes are not plain text, so they can only be edited as hex.');
      }
      const bytes = this.#bytes();
      this.#area.value = form === 'hex' ? hex(bytes) : draft.content;
      this.#newline = draft.newline;
      this.#form = form;
      this.#say(null);
      this.element.querySelectorAll('[data-form]').forEach((segment) =>
        segment.setAttribute('aria-pressed', String(segment.dataset.form === form)));
    } catch (failure) {
      this.#say(failure.message);
    }
  }

  #request() {
    const type = this.#type.value.trim();
    return {
      headers: { ...(this.#base.etag && { 'If-Match': `"${this.#base.etag}"` }), ...(!this.#base.etag && { 'If-None-Match': '*' }), ...(type && { 'Content-Type': type }) },
      body: this.#bytes(),
    };
  }

  async #write() {
    if (this.#isWriting) {
      return;
    }
    this.#isWriting = true;
    this.#save.disabled = true;
    this.#say(null);
    try {
      const { headers, body } = this.#request();
      // A Blob without a type: else the browser would name one, and it would be kept.
      await this.#client.write('PUT', target(this.#path), { headers, body: new Blob([body]) });
      notice(`${this.#path} is written`, 'good');
      this.#done();
    } catch (failure) {
      if (failure.status === 412) {
        await this.#look();
        this.#showConflict(true);
      } else if (failure instanceof SyntaxError) {
        this.#say(failure.message);
      } else {
        this.#say(failure.outcome === 'unknown'
          ? `${failure.message} It is not known whether the value was written.`
          : `${failure.message} Nothing was written.`);
      }
    } finally {
      this.#isWriting = false;
      this.#save.disabled = false;
    }
  }

  async #look() {
    try {
      const { document } = await this.#client.read(target(this.#path, { view: 'node' }));
      this.#newest = { ...document, bytes: bytesOf(document), etag: `0x${document.stat.mzxid.toString(16)}` };
    } catch (failure) {
      this.#newest = failure.status === 404 ? null : this.#newest;
    }
  }

  #showConflict(wasRefused) {
    const newest = this.#newest;
    let mine;
    try {
      mine = this.#bytes();
    } catch {
      mine = this.#base.bytes;
    }
    if (!newest) {
      this.#conflict.replaceChildren(el('div', { class: 'conflict', role: 'alert' },
        el('h3', {}, 'It was deleted while you wrote'),
        el('p', {}, wasRefused ? 'Nothing was written. ' : '', 'Saving now would create ', el('bdi', {}, nameOf(this.#path)), ' again.'),
        this.#base.etag && button('Create it again on saving', () => this.#writeOver({ ...this.#base, etag: null }))));
      return;
    }
    const [theirs, yours] = compared(readable(newest.bytes), readable(mine));
    this.#conflict.replaceChildren(el('div', { class: 'conflict', role: 'alert' },
      el('h3', {}, 'Someone else changed it while you wrote'),
      el('p', {}, `You began with version ${this.#base.stat.version}; now it is version ${newest.stat.version}, from `, since(newest.stat.mtime), '. ',
        wasRefused ? 'Your save was refused and nothing was written.' : 'Saving would be refused.',
        ' Compare, and decide which it shall be.'),
      el('div', { class: 'sides' },
        el('div', { class: 'side theirs' }, el('h4', {}, `Newer, version ${newest.stat.version}`), theirs),
        el('div', { class: 'side yours' }, el('h4', {}, 'Yours, not written'), yours)),
      el('div', { class: 'actions' },
        button('Write mine over it', () => {
          this.#writeOver(newest);
          this.element.requestSubmit();
        }, { id: 'overwrite', class: 'danger' }),
        button('Take theirs', () => this.#take(newest), { id: 'take' }),
        button('Go on from the newer version', () => this.#writeOver(newest), { id: 'rebase' }))));
  }

  /** From now on the writer has seen `seen`, and a save is a change of that. */
  #writeOver(seen) {
    this.#base = seen;
    this.#conflict.replaceChildren();
    this.#area.focus();
  }

  #take(newest) {
    const draft = toDraft(newest.bytes);
    this.#form = draft.form;
    this.#newline = draft.newline;
    this.#area.value = draft.content;
    this.#type.value = newest.contentType ?? '';
    this.#writeOver(newest);
  }

  #copyCurl() {
    try {
      copy(curl(this.#client, 'PUT', target(this.#path), this.#request()));
    } catch (failure) {
      this.#say(failure.message);
    }
  }

  #say(sentence) {
    this.#problem.hidden = sentence === null;
    this.#problem.textContent = sentence ?? '';
  }
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ').replace(/((?:.. ){15}..) /g, '$1\n');
}

function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
