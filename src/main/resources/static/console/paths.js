/** Paths of znodes, and how they are written in URLs. */

export const ROOT = '/';

export function join(parent, name) {
  return parent === ROOT ? ROOT + name : `${parent}/${name}`;
}

export function parentOf(path) {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? ROOT : path.slice(0, slash);
}

export function nameOf(path) {
  return path === ROOT ? ROOT : path.slice(path.lastIndexOf('/') + 1);
}

/** `/a`, `/a/b`, `/a/b/c` for `/a/b/c`; nothing for the root. */
export function lineage(path) {
  const steps = [];
  for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
    steps.push(path.slice(0, slash));
  }
  return path === ROOT ? [] : [...steps, path];
}

/** Every segment percent-encoded, so that `%`, `;`, `+`, `?` and `#` stay what they are. */
export function encode(path) {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** The resource of a znode, with options; those that are undefined, null or false are left out. */
export function target(path, options = {}) {
  const query = Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== null && value !== false)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  return `/znodes${path === ROOT ? '' : encode(path)}${query ? `?${query}` : ''}`;
}

/** The path that a location's hash names, or null when it names none. */
export function ofHash(hash) {
  try {
    const text = hash.replace(/^#/, '').split('/').map(decodeURIComponent).join('/');
    return text.startsWith('/') ? tidy(text) : null;
  } catch {
    return null;
  }
}

export function toHash(path) {
  return `#${encode(path)}`;
}

/** What somebody typed, as a path: one slash before it and none after it. */
export function tidy(typed) {
  return `/${typed.trim().replace(/^\/+|\/+$/g, '')}`;
}
