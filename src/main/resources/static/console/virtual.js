/**
 * A list of which only the rows in view exist. Rows have one height, so that row n is where
 * arithmetic says.
 */

/** Beyond this browsers lose count of pixels; then a row of scroll stands for several of the list. */
const MOST_PIXELS = 12_000_000;
const SPARE_ROWS = 6;

export class VirtualList {
  #box;
  #canvas;
  #rowHeight;
  #count = 0;
  #source;
  #shown = new Map();
  #due = 0;
  #pool = [];

  /**
   * @param box the scrolling element
   * @param source with `rows(from, to)`, which gives `{key, …}` in order; `make()`, an empty row; and
   *     `fill(element, row)`, which dresses one
   */
  constructor(box, source) {
    this.#box = box;
    this.#source = source;
    this.#canvas = document.createElement('div');
    this.#canvas.className = 'canvas';
    this.#canvas.setAttribute('role', 'presentation');
    box.append(this.#canvas);
    box.addEventListener('scroll', () => this.refresh(), { passive: true });
    // Also tells when it is first shown, and when another screen makes rows higher.
    new ResizeObserver(() => this.#measure()).observe(box);
    this.#measure();
  }

  #measure() {
    this.#rowHeight = parseFloat(getComputedStyle(this.#box).getPropertyValue('--row')) || 28;
    this.resize(this.#count);
  }

  get rowsInView() {
    return Math.max(1, Math.floor(this.#box.clientHeight / this.#rowHeight));
  }

  resize(count) {
    this.#count = count;
    this.#canvas.style.height = `${Math.min(MOST_PIXELS, count * this.#rowHeight)}px`;
    this.refresh();
  }

  /** Draws again, at the next frame. */
  refresh() {
    this.#due ||= requestAnimationFrame(() => {
      this.#due = 0;
      this.#draw();
    });
  }

  /** Scrolls as little as needed for `row` to be seen. */
  reveal(row) {
    const rowAtTop = this.#top();
    if (row < rowAtTop) {
      this.#scrollTo(row);
    } else if (row + 1 > rowAtTop + this.rowsInView) {
      this.#scrollTo(row + 1 - this.#box.clientHeight / this.#rowHeight);
    }
    this.refresh();
  }

  /** How many rows of the list one row of scroll stands for: 1 unless the list is enormous. */
  #scale() {
    const full = this.#count * this.#rowHeight;
    const height = this.#box.clientHeight;
    return full <= MOST_PIXELS ? 1 : (full - height) / (MOST_PIXELS - height);
  }

  #top() {
    return (this.#box.scrollTop * this.#scale()) / this.#rowHeight;
  }

  #scrollTo(row) {
    this.#box.scrollTop = (row * this.#rowHeight) / this.#scale();
  }

  #draw() {
    const top = this.#top();
    const from = Math.max(0, Math.floor(top) - SPARE_ROWS);
    const to = Math.min(this.#count, Math.ceil(top + this.rowsInView) + SPARE_ROWS + 1);
    const wanted = this.#source.rows(from, to);
    const keys = new Set(wanted.map((row) => row.key));
    for (const [key, element] of this.#shown) {
      if (!keys.has(key)) {
        this.#shown.delete(key);
        this.#pool.push(element);
      }
    }
    wanted.forEach((row, i) => {
      let element = this.#shown.get(row.key);
      if (!element) {
        element = this.#pool.pop() ?? this.#source.make();
        element.getAnimations().forEach((animation) => animation.cancel());
        this.#shown.set(row.key, element);
      }
      if (!element.isConnected) {
        this.#canvas.append(element);
      }
      const offset = (from + i - top) * this.#rowHeight + this.#box.scrollTop;
      element.style.transform = `translateY(${offset}px)`;
      this.#source.fill(element, row, from + i);
    });
    this.#pool.forEach((element) => element.remove());
  }
}
