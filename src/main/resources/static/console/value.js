/** Values: bytes, and the ways to look at them. */

import { asText } from './client.js';
import { button, byId, el } from './dom.js';
import { VirtualList } from './virtual.js';

const BYTES_PER_LINE = 16;
const MOST_HEX_LINES = 24;
const WIDE_ENOUGH = 780;
const MOST_COLOURED = 100_000;
/** Of a long text only the beginning is shown at first: to lay out a megabyte takes seconds. */
const MOST_CHARACTERS = 50_000;
const STRETCH = 8_000;
const MOST_COMPARED_LINES = 1_500;
// Unseen when shown as text, and changed or lost by a text field.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** The bytes in a document of `?view=node`. */
export function bytesOf({ data, dataBase64 }) {
  if (dataBase64 !== undefined) {
    return Uint8Array.from(atob(dataBase64), (c) => c.charCodeAt(0));
  }
  return new TextEncoder().encode(data ?? '');
}

/** The ways to look at `bytes`, the most telling first. */
export function looks(bytes) {
  const text = asText(bytes);
  if (text === null) {
    return ['hex'];
  }
  if (UNPRINTABLE.test(text)) {
    return ['hex', 'text'];
  }
  return isJson(text) ? ['json', 'text', 'hex'] : ['text', 'hex'];
}

function isJson(text) {
  if (!/^\s*[[{]/.test(text)) {
    return false;
  }
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** An element that shows `bytes` in one of the ways of {@link looks}. */
export function show(bytes, look) {
  if (bytes.length === 0) {
    return el('p', { class: 'value empty quiet' }, 'empty');
  }
  if (look === 'hex') {
    return hexView(bytes);
  }
  const text = asText(bytes);
  const draw = (part) => {
    if (look !== 'json') {
      return part;
    }
    const pretty = prettyJson(part);
    return pretty.length > MOST_COLOURED ? pretty : coloured(pretty);
  };
  if (text.length <= MOST_CHARACTERS) {
    return el('pre', { class: 'value', tabindex: '0' }, draw(text));
  }
  const part = text.slice(0, whole(text, MOST_CHARACTERS));
  const box = el('div', { class: 'long-value' },
    el('pre', { class: 'value', tabindex: '0' }, draw(part)),
    el('p', { class: 'more' },
      `These are the first ${part.length.toLocaleString('en')} of ${text.length.toLocaleString('en')} characters. `,
      button('Show all', () => box.replaceChildren(longText(look === 'json' ? prettyJson(text) : text)), { id: 'show-all', class: 'small' })));
  return box;
}

/** In stretches, of which the browser lays out those in view. */
function longText(text) {
  const stretches = [];
  for (let from = 0; from < text.length;) {
    const newline = text.lastIndexOf('\n', from + STRETCH);
    const to = from + STRETCH >= text.length ? text.length : newline > from ? newline : whole(text, from + STRETCH);
    stretches.push(el('span', { class: 'stretch' }, text.slice(from, to)));
    from = text[to] === '\n' ? to + 1 : to;
  }
  return el('pre', { class: 'value', tabindex: '0' }, stretches);
}

/** `end`, or one less where it would cut a character in two. */
function whole(text, end) {
  return /[\ud800-\udbff]/.test(text[end - 1]) ? end - 1 : end;
}

// The last string may be cut off.
const TOKEN = /"(?:[^"\\]|\\.)*(?:"|\\?$)|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Valid JSON with new white space and nothing else changed: long numbers and repeated keys stay. */
export function prettyJson(text) {
  const out = [];
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  const tokens = text.match(TOKEN) ?? [];
  tokens.forEach((token, i) => {
    const next = tokens[i + 1];
    if (token === '{' || token === '[') {
      depth++;
      out.push(token, next === '}' || next === ']' ? '' : line());
    } else if (token === '}' || token === ']') {
      depth--;
      const previous = tokens[i - 1];
      out.push(previous === '{' || previous === '[' ? '' : line(), token);
    } else if (token === ',') {
      out.push(token, line());
    } else {
      out.push(token === ':' ? ': ' : token);
    }
  });
  return out.join('');
}

function coloured(json) {
  const parts = [];
  let end = 0;
  for (const match of json.matchAll(/"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g)) {
    parts.push(json.slice(end, match.index));
    end = match.index + match[0].length;
    const kind = match[0][0] !== '"' ? 'json-plain' : json[end] === ':' ? 'json-key' : 'json-text';
    parts.push(el('span', { class: kind }, match[0]));
  }
  return [...parts, json.slice(end)];
}

function hexView(bytes) {
  const perLine = byId('node').clientWidth < WIDE_ENOUGH ? BYTES_PER_LINE / 2 : BYTES_PER_LINE;
  const box = el('div', { class: 'value hex', tabindex: '0', role: 'document', 'aria-label': 'Bytes in hexadecimal' });
  const list = new VirtualList(box, {
    rows: (from, to) => Array.from({ length: to - from }, (_, i) => ({ key: from + i })),
    make: () => el('div', { class: 'hex-line' }),
    fill: (element, { key }) => {
      element.textContent = hexLine(bytes, key * perLine, perLine);
    },
  });
  const lines = Math.ceil(bytes.length / perLine);
  box.style.height = `${Math.min(lines, MOST_HEX_LINES) * 23 + 22}px`;
  list.resize(lines);
  return box;
}

function hexLine(bytes, from, perLine) {
  const line = bytes.subarray(from, from + perLine);
  const codes = Array.from(line, hexOf);
  const text = Array.from(line, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
  const groups = [codes.slice(0, 8), codes.slice(8)].slice(0, perLine / 8);
  return [from.toString(16).padStart(6, '0'), ...groups.map((group) => group.join(' ').padEnd(23)), text].join('  ');
}

function hexOf(byte) {
  return byte.toString(16).padStart(2, '0');
}

// For writing

/** How `bytes` are written down for editing: as text where that loses nothing. */
export function toDraft(bytes) {
  const text = asText(bytes);
  if (text === null || UNPRINTABLE.test(text)) {
    return { form: 'hex', content: hexDraft(bytes), newline: '\n' };
  }
  const withoutPairs = text.replaceAll('\r\n', '');
  if (!text.includes('\r')) {
    return { form: 'text', content: text, newline: '\n' };
  }
  if (!/[\r\n]/.test(withoutPairs)) {
    return { form: 'text', content: text.replaceAll('\r\n', '\n'), newline: '\r\n' };
  }
  // A text field would make all ends of line the same.
  return { form: 'hex', content: hexDraft(bytes), newline: '\n' };
}

function hexDraft(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += BYTES_PER_LINE) {
    lines.push(Array.from(bytes.subarray(i, i + BYTES_PER_LINE), hexOf).join(' '));
  }
  return lines.join('\n');
}

/**
 * The bytes that a draft stands for.
 *
 * @throws SyntaxError with a sentence for the writer
 */
export function ofDraft({ form, content, newline }) {
  if (form === 'text') {
    return new TextEncoder().encode(newline === '\r\n' ? content.replaceAll('\n', '\r\n') : content);
  }
  const digits = content.replace(/\s+/g, '');
  const wrong = digits.match(/[^0-9a-fA-F]/);
  if (wrong) {
    throw new SyntaxError(`“${wrong[0]}” is no hexadecimal digit.`);
  }
  if (digits.length % 2) {
    throw new SyntaxError('Each byte has two hexadecimal digits; one is missing.');
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** What to compare when two values stand side by side. */
export function readable(bytes) {
  const text = asText(bytes);
  if (text === null || UNPRINTABLE.test(text)) {
    return hexDraft(bytes);
  }
  return isJson(text) ? prettyJson(text) : text;
}

/** Two texts line by line, each with the lines marked that the other does not have. */
export function compared(left, right) {
  const a = left.split('\n');
  const b = right.split('\n');
  const [keptA, keptB] =
    a.length * b.length > MOST_COMPARED_LINES ** 2 ? [new Set(a.keys()), new Set(b.keys())] : common(a, b);
  const lines = (texts, kept) =>
    el('pre', { class: 'value', tabindex: '0' },
      texts.map((text, i) => el('span', { class: kept.has(i) ? 'line' : 'line differs' }, `${text}\n`)));
  return [lines(a, keptA), lines(b, keptB)];
}

/** Indices of a longest common subsequence, in both. */
function common(a, b) {
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j]
        ? length[(i + 1) * width + j + 1] + 1
        : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  const inA = new Set();
  const inB = new Set();
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      inA.add(i++);
      inB.add(j++);
    } else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
      i++;
    } else {
      j++;
    }
  }
  return [inA, inB];
}
