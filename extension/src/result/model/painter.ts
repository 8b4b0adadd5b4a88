const GAP_MS = 60;

/** Has something drawn in the next frame, but not more often than an eye can follow. Nothing is drawn while hidden. */
export class Painter {
  constructor(private readonly _draw: () => void) {}

  /** It changed. The first change after a pause is drawn at once. */
  request(): void {
    if (this._frame || this._timer || this._disposed) {
      return;
    }
    const wait = this._last + GAP_MS - performance.now();
    if (wait > 0) {
      this._timer = window.setTimeout(() => {
        this._timer = 0;
        this._next();
      }, wait);
    } else {
      this._next();
    }
  }

  dispose(): void {
    this._disposed = true;
    cancelAnimationFrame(this._frame);
    clearTimeout(this._timer);
  }

  private _next(): void {
    this._frame = requestAnimationFrame(() => {
      this._frame = 0;
      this._last = performance.now();
      this._draw();
    });
  }

  private _frame = 0;
  private _timer = 0;
  private _last = -Infinity;
  private _disposed = false;
}
