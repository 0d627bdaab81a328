/**
 * Building the page. Whatever comes from the tree goes through here as text or as an attribute that
 * cannot run; there is no way to hand over markup.
 */

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'htmlFor', 'selected', 'readOnly']);

/**
 * An element.
 *
 * @param tag its name
 * @param given attributes; `class`; `on` with listeners by event name; `data` with data attributes.
 *     Those that are undefined, null or false are left out.
 * @param children nodes and strings, nested as you like; strings become text
 */
export function el(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) {
      continue;
    }
    if (name === 'on') {
      Object.entries(value).forEach(([type, listener]) => element.addEventListener(type, listener));
    } else if (name === 'data') {
      Object.assign(element.dataset, value);
    } else if (PROPERTIES.has(name)) {
      element[name] = value;
    } else if (value !== false) {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  put(element, children);
  return element;
}

/** Appends children as {@link el} takes them: those that are undefined, null or false are left out. */
export function put(element, children) {
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
}

export function byId(id) {
  return document.getElementById(id);
}

/** A button that does something. */
export function button(label, act, given = {}) {
  return el('button', { type: 'button', ...given, on: { click: act } }, label);
}

/** A sentence at the lower edge that goes away by itself. */
export function notice(text, kind = 'plain') {
  const line = el('p', { class: `notice ${kind}` }, text);
  byId('notices').append(line);
  setTimeout(() => line.remove(), kind === 'bad' ? 9000 : 4000);
}

/** Copies, also where the clipboard API is withheld because the page came over plain HTTP. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el('textarea', { class: 'offscreen', value: text, readOnly: true });
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  notice('Copied');
}

/** A modal dialog that removes itself when it closes. `fill` gets its form and a function to close it. */
export function dialog(title, fill) {
  const form = el('form', { method: 'dialog', class: 'dialog-form' });
  const heading = el('h2', { id: 'dialog-title' }, title);
  const box = el('dialog', { 'aria-labelledby': 'dialog-title' }, heading, form);
  box.addEventListener('close', () => box.remove());
  fill(form, () => box.close());
  document.body.append(box);
  box.showModal();
  return box;
}

/** How long ago, in the coarsest unit that still says something. */
export function ago(ms, now = Date.now()) {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 3) {
    return 'just now';
  }
  for (const [size, unit] of [[86400, 'd'], [3600, 'h'], [60, 'min']]) {
    if (seconds >= size) {
      return `${Math.floor(seconds / size)} ${unit} ago`;
    }
  }
  return `${seconds} s ago`;
}

/** A time element that keeps saying how long ago it was; see {@link keepTime}. */
export function since(ms) {
  const date = new Date(ms);
  return el('time', { datetime: date.toISOString(), title: date.toLocaleString(), data: { ms: String(ms) } }, ago(ms));
}

export function keepTime() {
  setInterval(() => {
    document.querySelectorAll('time[data-ms]').forEach((time) => {
      time.textContent = ago(Number(time.dataset.ms));
    });
  }, 5000);
}
