/** Many watches on one WebSocket that comes back when it breaks, and goes on where it was. */

const PING_EVERY_MS = 10_000;
const SILENT_FOR_MS = 25_000;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 10_000;
const ASK_AGAIN_MS = 3_000;

/**
 * The connection. Events: `state` when `state` has moved between `connecting`, `live` and `lost`;
 * `resumed` when it is back, with `detail.afterMs`.
 */
export class Watch extends EventTarget {
  #client;
  #socket = null;
  #subscriptions = new Map();
  #lastId = 0;
  #waitMs = FIRST_WAIT_MS;
  #retry = 0;
  #heardMs = 0;
  #lostMs = 0;
  state = 'connecting';
  retryAtMs = 0;

  constructor(client) {
    super();
    this.#client = client;
    setInterval(() => this.#checkLife(), PING_EVERY_MS);
    addEventListener('online', () => this.#again());
    document.addEventListener('visibilitychange', () => document.hidden || this.#again());
    client.addEventListener('session', () => this.#attach());
  }

  /** Begins anew: at the start, and when the caller has become somebody else. */
  connect() {
    clearTimeout(this.#retry);
    this.#drop();
    this.#become('connecting');
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/watch`);
    this.#socket = socket;
    socket.addEventListener('open', () => this.#opened());
    socket.addEventListener('message', (message) => {
      this.#heardMs = Date.now();
      this.#take(JSON.parse(message.data));
    });
    socket.addEventListener('close', () => this.#socket === socket && this.#lost());
  }

  /**
   * Watches a path.
   *
   * @param since where to begin: the zxid that the caller has seen whole
   * @param heard gets each event, once, in order
   * @param gone is told that the history no longer reaches back: read again and subscribe anew
   * @return with `close()`
   */
  subscribe({ path, depth, since, heard, gone }) {
    const subscription = { id: '', path, depth, position: since, heard, gone };
    this.#begin(subscription);
    return {
      close: () => {
        if (this.#subscriptions.delete(subscription.id)) {
          this.#send({ op: 'unsubscribe', id: subscription.id });
        }
      },
    };
  }

  /** Under an id that was never used: the other end may not have let go of the last one yet. */
  #begin(subscription) {
    this.#subscriptions.delete(subscription.id);
    subscription.id = String(++this.#lastId);
    this.#subscriptions.set(subscription.id, subscription);
    this.#ask(subscription);
  }

  #opened() {
    this.#heardMs = Date.now();
    this.#waitMs = FIRST_WAIT_MS;
    if (this.#client.authorization) {
      // A browser cannot put a header on a WebSocket.
      this.#send({ op: 'authenticate', authorization: this.#client.authorization });
    }
    this.#attach();
    this.#subscriptions.forEach((subscription) => this.#ask(subscription));
    this.#become('live');
    if (this.#lostMs) {
      const afterMs = Date.now() - this.#lostMs;
      this.#lostMs = 0;
      this.dispatchEvent(new CustomEvent('resumed', { detail: { afterMs } }));
    }
  }

  #attach() {
    if (this.#client.session) {
      this.#send({ op: 'attach', token: this.#client.session.token });
    }
  }

  #ask({ id, path, depth, position }) {
    this.#send({ op: 'subscribe', id, path, depth, ...(position && { since: position }) });
  }

  #take(frame) {
    const subscription = this.#subscriptions.get(frame.id);
    switch (frame.op) {
      case 'event':
        if (subscription) {
          subscription.position = frame.pos;
          subscription.heard(frame);
        }
        break;
      case 'bookmark':
        if (subscription) {
          subscription.position = frame.pos;
        }
        break;
      case 'subscribed':
        if (subscription) {
          subscription.position ??= frame.zxid;
        }
        break;
      case 'lagging':
        if (subscription) {
          subscription.position = frame.resume ?? subscription.position;
          this.#begin(subscription);
        }
        break;
      case 'gone':
        if (subscription) {
          this.#subscriptions.delete(frame.id);
          subscription.gone();
        }
        break;
      case 'error':
        if (frame.status === 503 && subscription) {
          setTimeout(() => this.#subscriptions.has(frame.id) && this.#begin(subscription), ASK_AGAIN_MS);
        } else if (frame.code === 'SESSIONEXPIRED' && !subscription) {
          this.#client.forgetSession();
        }
        this.dispatchEvent(new CustomEvent('refused', { detail: { frame, path: subscription?.path } }));
        break;
      default: // pong, attached: that something came is all there is to know.
    }
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(frame));
    }
  }

  /** A connection whose other end has vanished says nothing; so we ask, and believe silence. */
  #checkLife() {
    if (this.state === 'live') {
      if (Date.now() - this.#heardMs > SILENT_FOR_MS) {
        this.#drop();
        this.#lost();
      } else {
        this.#send({ op: 'ping' });
      }
    }
  }

  #lost() {
    this.#socket = null;
    this.#lostMs ||= Date.now();
    clearTimeout(this.#retry);
    const waitMs = this.#waitMs * (0.5 + Math.random());
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
    this.retryAtMs = Date.now() + waitMs;
    this.#retry = setTimeout(() => this.connect(), waitMs);
    this.#become('lost');
  }

  #again() {
    if (this.state === 'lost') {
      this.connect();
    }
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #become(state) {
    // While it is away, trying is not news.
    const now = this.#lostMs && state === 'connecting' ? 'lost' : state;
    if (this.state !== now) {
      this.state = now;
      this.dispatchEvent(new Event('state'));
    }
  }
}
