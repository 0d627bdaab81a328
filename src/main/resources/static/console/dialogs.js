/** What is asked in a box of its own: creating, deleting, signing in, the keys. */

import { curl } from './client.js';
import { button, copy, dialog, el, notice, put } from './dom.js';
import { join, nameOf, parentOf, target, toHash } from './paths.js';

const MODES = [
  ['persistent', 'stays until it is deleted'],
  ['ephemeral', 'goes when this page does'],
  ['container', 'goes with its last child'],
];

function field(label, input, hint) {
  return el('label', { class: 'field' }, el('span', {}, label), input, hint && el('small', { class: 'quiet' }, hint));
}

function problemLine() {
  return el('p', { class: 'problem', role: 'alert', hidden: true });
}

function say(line, failure) {
  line.hidden = false;
  line.textContent = failure.outcome === 'unknown'
    ? `${failure.message} It is not known whether this was applied: look before you try again.`
    : failure.message;
}

/** Disables `press` while `work` runs, and says what went wrong. */
async function attempt(press, line, work) {
  press.disabled = true;
  line.hidden = true;
  try {
    await work();
  } catch (failure) {
    say(line, failure);
  } finally {
    press.disabled = false;
  }
}

export function createChild(client, parent, given = '') {
  dialog('New child', (form, close) => {
    const name = el('input', { id: 'new-name', type: 'text', value: given, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' });
    const value = el('textarea', { id: 'new-value', rows: '4', spellcheck: 'false' });
    const ttl = el('input', { id: 'new-ttl', type: 'text', placeholder: 'for example 30s or 12h', autocomplete: 'off' });
    const sequential = el('input', { id: 'new-sequential', type: 'checkbox' });
    const modes = MODES.map(([mode], i) => el('input', { type: 'radio', name: 'mode', value: mode, checked: i === 0 }));
    const preview = el('code', { class: 'preview', tabindex: '0' });
    const line = problemLine();
    const press = el('button', { type: 'submit', class: 'primary', id: 'new-create' }, 'Create');
    const chosen = () => modes.find((radio) => radio.checked).value;
    const request = () => ({
      target: target(parent, {
        name: name.value,
        mode: chosen() === 'persistent' ? undefined : chosen(),
        ttl: chosen() === 'persistent' ? ttl.value.trim() || undefined : undefined,
        sequential: sequential.checked,
      }),
      body: new TextEncoder().encode(value.value),
    });
    const command = () => {
      const headers = chosen() === 'ephemeral' ? { 'Quorate-Session': '…' } : {};
      const { target: resource, body } = request();
      return curl(client, 'POST', resource, { headers, body });
    };
    const refresh = () => {
      ttl.disabled = chosen() !== 'persistent';
      preview.textContent = command();
    };
    form.addEventListener('input', refresh);
    put(form, [
      el('p', { class: 'quiet' }, 'under ', el('bdi', { class: 'mono' }, parent)),
      field('Name', name),
      el('label', { class: 'check' }, sequential, el('span', {}, 'Append the next number (sequential)')),
      field('Value', value),
      el('fieldset', { class: 'modes' }, el('legend', {}, 'Lifetime'),
        MODES.map(([mode, meaning], i) =>
          el('label', { class: 'check' }, modes[i], el('span', {}, mode, el('span', { class: 'quiet' }, `, ${meaning}`))))),
      field('Time to live', ttl, 'It goes when it has no children and was not set for so long.'),
      line,
      el('details', { class: 'as-curl' }, el('summary', {}, 'As curl'), preview, button('Copy', () => copy(command()), { class: 'small' })),
      el('div', { class: 'dialog-foot' }, button('Cancel', close), press)]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      attempt(press, line, async () => {
        if (!name.value && !sequential.checked) {
          throw new Error('It needs a name, unless it is sequential.');
        }
        if (name.value.includes('/')) {
          throw new Error('A name holds no “/”: create one level after the other.');
        }
        const { target: resource, body } = request();
        const headers = chosen() === 'ephemeral' ? { 'Quorate-Session': (await client.openSession()).token } : {};
        try {
          const { document } = await client.write('POST', resource, { headers, body: new Blob([body]) });
          close();
          notice(`${document.path} is created`, 'good');
          location.hash = toHash(document.path);
        } catch (failure) {
          if (failure.code === 'SESSIONEXPIRED') {
            client.forgetSession();
          }
          throw failure.code === 'NODEEXISTS' ? new Error(`${join(parent, name.value)} exists already.`) : failure;
        }
      });
    });
    refresh();
    queueMicrotask(() => name.focus());
  });
}

export function deleteNode(client, node) {
  const { path, etag, stat } = node;
  const hasChildren = stat.numChildren > 0;
  dialog('Delete', (form, close) => {
    const sure = el('input', { id: 'delete-sure', type: 'checkbox' });
    const press = el('button', { type: 'submit', class: 'danger', id: 'delete-now', disabled: hasChildren }, 'Delete');
    const line = problemLine();
    const resource = target(path, { recursive: hasChildren });
    const headers = { 'If-Match': `"${etag}"` };
    sure.addEventListener('change', () => {
      press.disabled = !sure.checked;
    });
    put(form, [
      el('p', {}, el('bdi', { class: 'mono strong' }, path)),
      el('p', {}, hasChildren
        ? `It has ${stat.numChildren.toLocaleString('en')} ${stat.numChildren === 1 ? 'child' : 'children'}. They, and everything below them, go with it, all at once.`
        : 'It is deleted as you see it: had someone changed it meanwhile, it would stay.'),
      hasChildren && el('label', { class: 'check' }, sure, el('span', {}, `Delete ${nameOf(path)} and everything below it`)),
      line,
      el('details', { class: 'as-curl' }, el('summary', {}, 'As curl'),
        el('code', { class: 'preview', tabindex: '0' }, curl(client, 'DELETE', resource, { headers })),
        button('Copy', () => copy(curl(client, 'DELETE', resource, { headers })), { class: 'small' })),
      el('div', { class: 'dialog-foot' }, button('Cancel', close, { autofocus: true }), press)]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      attempt(press, line, async () => {
        try {
          await client.write('DELETE', resource, { headers });
        } catch (failure) {
          throw explained(failure, path);
        }
        close();
        notice(`${path} is deleted`, 'good');
        if (location.hash === toHash(path)) {
          location.hash = toHash(parentOf(path));
        }
      });
    });
  });
}

function explained(failure, path) {
  switch (failure.code) {
    case 'BADVERSION':
      return new Error(`${path} was changed after you looked, so it stays. Close this, look again, and decide anew.`);
    case 'NOTEMPTY':
      return new Error(`${path} has got children meanwhile, so it stays.`);
    case 'NONODE':
      return new Error(`${path} has gone already.`);
    default:
      return failure;
  }
}

/** @param changed called when the caller has become somebody else */
export function signIn(client, changed) {
  dialog('Who asks', (form, close) => {
    const user = el('input', { id: 'user', type: 'text', value: client.user ?? '', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' });
    const password = el('input', { id: 'password', type: 'password', autocomplete: 'off' });
    const enter = (name, secret) => {
      client.signIn(name, secret);
      close();
      changed();
    };
    put(form, [
      el('p', { class: 'quiet' }, 'For nodes whose access list asks for a digest. Kept in this page’s memory only, and forgotten with it.'),
      field('User', user),
      field('Password', password),
      el('div', { class: 'dialog-foot' },
        client.user && button('Sign out', () => enter(null, null)),
        button('Cancel', close),
        el('button', { type: 'submit', class: 'primary' }, 'Sign in'))]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      enter(user.value.trim(), password.value);
    });
  });
}

export function showKeys() {
  const keys = [
    ['↑ ↓', 'move; Home, End and Page keys too'],
    ['→ ←', 'open, close, go up'],
    ['a…z', 'go to the child that begins so'],
    ['/', 'go to a path'],
    ['F2', 'edit the value'],
    ['Insert', 'new child'],
    ['Delete', 'delete'],
    ['Ctrl Enter', 'save'],
    ['?', 'these keys'],
  ];
  dialog('Keys', (form, close) => put(form, [
    el('table', { class: 'keys' }, el('tbody', {}, keys.map(([key, meaning]) =>
      el('tr', {}, el('th', { scope: 'row' }, el('kbd', {}, key)), el('td', {}, meaning))))),
    el('div', { class: 'dialog-foot' }, button('Close', close, { class: 'primary' }))]));
}
