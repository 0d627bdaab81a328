/** The access list of a node: who may do what, and changing it. */

import { curl } from './client.js';
import { button, copy, dialog, el, notice, put } from './dom.js';
import { target } from './paths.js';

const PERMS = ['read', 'write', 'create', 'delete', 'admin'];
const SCHEMES = {
  world: 'everyone',
  auth: 'whoever I am signed in as',
  digest: 'user:digest',
  ip: 'address or 10.0.0.0/8',
  x509: 'subject of a certificate',
};

/** A table of entries. */
export function accessTable(acl) {
  return el('table', { class: 'acl' },
    el('tbody', {}, acl.map(({ scheme, id, perms }) =>
      el('tr', {},
        el('th', { scope: 'row' }, el('span', { class: 'scheme' }, scheme), ' ', el('bdi', {}, id)),
        el('td', {}, PERMS.map((perm) => {
          const has = perms.includes(perm);
          return el('span', { class: has ? 'perm' : 'perm off', 'aria-label': has ? perm : `no ${perm}` }, perm);
        }))))));
}

/**
 * Asks for a new list and sets it, if nobody has set another since this one was read.
 *
 * @param known `{acl, aversion}` as it was read
 * @param done called when it is set
 */
export function editAccess(client, path, known, done) {
  dialog('Access', (form, close) => {
    const entries = el('div', { class: 'entries' });
    const line = el('p', { class: 'problem', role: 'alert', hidden: true });
    const press = el('button', { type: 'submit', class: 'primary', id: 'access-set' }, 'Set');
    const resource = target(path, { view: 'acl', version: known.aversion });
    const request = () => ({
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify([...entries.children].map(readEntry)),
    });
    const command = () => {
      const { headers, body } = request();
      return curl(client, 'PUT', resource, { headers, body: new TextEncoder().encode(body) });
    };
    known.acl.forEach((entry) => entries.append(entryFields(entry)));
    put(form, [
      el('p', { class: 'quiet' }, 'of ', el('bdi', { class: 'mono' }, path)),
      entries,
      button('Add an entry', () => entries.append(entryFields({ scheme: 'auth', id: '', perms: PERMS })), { id: 'access-add' }),
      el('p', { class: 'quiet' }, 'Without admin for yourself you cannot change this list again.'),
      line,
      el('div', { class: 'dialog-foot' },
        button('Copy as curl', () => copy(command()), { class: 'small' }),
        el('span', { class: 'grow' }),
        button('Cancel', close),
        press)]);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      press.disabled = true;
      try {
        await client.write('PUT', resource, request());
        close();
        notice(`The access list of ${path} is set`, 'good');
        done();
      } catch (failure) {
        line.hidden = false;
        line.textContent = failure.code === 'BADVERSION'
          ? 'Someone else has set it since you looked, so nothing was changed. Close this and look again.'
          : failure.message;
      } finally {
        press.disabled = false;
      }
    });
  });
}

function entryFields({ scheme, id, perms }) {
  const names = SCHEMES[scheme] ? Object.keys(SCHEMES) : [scheme, ...Object.keys(SCHEMES)];
  const who = el('input', { type: 'text', class: 'entry-id', value: id, autocomplete: 'off', spellcheck: 'false', 'aria-label': 'Id' });
  const choice = el('select', { class: 'entry-scheme', 'aria-label': 'Scheme' },
    names.map((name) => el('option', { value: name, selected: name === scheme }, name)));
  const adapt = () => {
    const needsNone = choice.value === 'world' || choice.value === 'auth';
    who.placeholder = SCHEMES[choice.value] ?? '';
    who.disabled = needsNone;
    if (needsNone) {
      who.value = '';
    }
  };
  choice.addEventListener('change', adapt);
  adapt();
  const entry = el('fieldset', { class: 'entry' },
    el('div', { class: 'entry-who' }, choice, who,
      button('Remove', () => entry.remove(), { class: 'small' })),
    el('div', { class: 'entry-perms' }, PERMS.map((perm) =>
      el('label', { class: 'check' }, el('input', { type: 'checkbox', value: perm, checked: perms.includes(perm) }), el('span', {}, perm)))));
  return entry;
}

function readEntry(entry) {
  const scheme = entry.querySelector('.entry-scheme').value;
  const id = scheme === 'world' ? 'anyone' : entry.querySelector('.entry-id').value.trim();
  const perms = [...entry.querySelectorAll('input[type=checkbox]')].filter((box) => box.checked).map((box) => box.value);
  return { scheme, id, perms };
}
