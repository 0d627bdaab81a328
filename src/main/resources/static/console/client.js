/** Quorate over HTTP, as the page uses it. */

/** The server said no, in a problem document (RFC 9457), or could not be asked. */
export class Refused extends Error {
  constructor(status, problem, zxid = null) {
    super(problem.detail ?? problem.title ?? 'the server could not be asked');
    this.status = status;
    this.code = problem.code ?? '';
    this.outcome = problem.outcome ?? 'unknown';
    /** The state that the answer is of, or null. */
    this.zxid = zxid;
  }
}

const STALE_FOR_MS = 5_000;
const TRIES = 3;
const SESSION_TIMEOUT = '30s';

/**
 * One caller. Credentials and the session live in this object and nowhere else, so they end with
 * the page. Events: `stale` with `detail` true when reads had to be answered without a quorum.
 */
export class Client extends EventTarget {
  #credentials = null;
  #session = null;
  #staleUntil = 0;
  #stale = false;

  get user() {
    return this.#credentials?.user ?? null;
  }

  /** What the `Authorization` header says, or null. */
  get authorization() {
    if (!this.#credentials) {
      return null;
    }
    const bytes = new TextEncoder().encode(`${this.#credentials.user}:${this.#credentials.password}`);
    return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`;
  }

  signIn(user, password) {
    this.#credentials = user ? { user, password } : null;
  }

  get session() {
    return this.#session;
  }

  /** The page's own session, opened when something first needs one. */
  async openSession() {
    if (!this.#session) {
      const { document } = await this.#ask('POST', '/sessions', {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ timeout: SESSION_TIMEOUT }),
      });
      this.#session = document;
      this.dispatchEvent(new Event('session'));
    }
    return this.#session;
  }

  forgetSession() {
    this.#session = null;
    this.dispatchEvent(new Event('session'));
  }

  /** Ends the session while the page goes; the answer is not waited for. */
  closeSession() {
    if (this.#session) {
      fetch(`/sessions/${this.#session.id}`, {
        method: 'DELETE',
        keepalive: true,
        credentials: 'omit',
        headers: { 'Quorate-Session': this.#session.token },
      }).catch(() => {});
    }
  }

  /**
   * Reads JSON. When no quorum answers, the member's own state is shown instead, and said to be so.
   *
   * @return `{document, headers}`
   */
  async read(target, { signal } = {}) {
    const local = `${target}${target.includes('?') ? '&' : '?'}consistency=local`;
    if (Date.now() < this.#staleUntil) {
      return this.#ask('GET', local, { signal });
    }
    try {
      const answer = await this.#ask('GET', target, { signal });
      this.#say(false);
      return answer;
    } catch (failure) {
      if (failure.status !== 503) {
        throw failure;
      }
      this.#staleUntil = Date.now() + STALE_FOR_MS;
      this.#say(true);
      return this.#ask('GET', local, { signal });
    }
  }

  #say(stale) {
    if (stale !== this.#stale) {
      this.#stale = stale;
      this.dispatchEvent(new CustomEvent('stale', { detail: stale }));
    }
  }

  /** Reads JSON that is no znode and has no consistency. */
  async status(target) {
    return (await this.#ask('GET', target, {})).document;
  }

  /**
   * Writes. When the fate of a try is unknown it is asked again under the same idempotency key, so
   * that the write happens once however often it is sent.
   */
  async write(method, target, { headers = {}, body } = {}) {
    const keyed = { ...headers, 'Idempotency-Key': randomKey() };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#ask(method, target, { headers: keyed, body });
      } catch (failure) {
        if (failure.outcome !== 'unknown' || attempt === TRIES) {
          throw failure;
        }
        await new Promise((resolve) => setTimeout(resolve, attempt * 500));
      }
    }
  }

  async #ask(method, target, { headers = {}, body, signal }) {
    let response;
    try {
      response = await fetch(target, {
        method,
        body,
        signal,
        cache: 'no-store',
        // Else the browser would ask for a password by itself, and keep it.
        credentials: 'omit',
        headers: {
          Accept: 'application/json',
          ...(this.authorization && { Authorization: this.authorization }),
          ...headers,
        },
      });
    } catch (failure) {
      if (failure.name === 'AbortError') {
        throw failure;
      }
      throw new Refused(0, { detail: 'This member does not answer.', outcome: 'unknown' });
    }
    const text = response.status === 204 ? '' : await response.text();
    if (response.ok) {
      return { document: text ? parse(text) : null, headers: response.headers };
    }
    let problem = { detail: `${response.status} ${response.statusText}` };
    try {
      problem = { ...problem, ...JSON.parse(text) };
    } catch {
      // Something between us and the member answered; its status has to do.
    }
    throw new Refused(response.status, problem, response.headers.get('Quorate-Zxid'));
  }
}

/** JSON with session ids as hex text: they have 64 bits, and a JavaScript number has 53. */
function parse(text) {
  return JSON.parse(text, (key, value, context) =>
    key === 'ephemeralOwner' && value !== 0
      ? `0x${BigInt.asUintN(64, BigInt(context?.source ?? value)).toString(16)}`
      : value);
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const MOST_INLINE = 4096;

/**
 * A command for a shell that does what the page does. A password is never part of it: curl asks.
 *
 * @param body bytes, or undefined
 */
export function curl(client, method, target, { headers = {}, body } = {}) {
  const words = ['curl'];
  let before = '';
  if (method !== 'GET') {
    words.push('-X', method);
  }
  if (client.user) {
    words.push('-u', quoted(client.user));
  }
  Object.entries(headers).forEach(([name, value]) => words.push('-H', quoted(`${name}: ${value}`)));
  if (body !== undefined) {
    const text = asText(body);
    if (body.length > MOST_INLINE) {
      words.push('--data-binary', '@value.bin');
    } else if (text !== null && !text.includes('\0')) {
      words.push('--data-raw', quoted(text));
    } else {
      before = `printf %s ${btoa(String.fromCharCode(...body))} | base64 -d | `;
      words.push('--data-binary', '@-');
    }
  }
  words.push(quoted(location.origin + target));
  return before + words.join(' ');
}

function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The text that bytes are, or null when they are no UTF-8. */
export function asText(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
