// What browsers have and jsdom has not; JupyterLab's packages want it to be there when they are imported.
globalThis.DragEvent ??= class extends MouseEvent {
  readonly dataTransfer = null;
};
window.matchMedia ??= (media: string): MediaQueryList =>
  Object.assign(new EventTarget(), {
    media,
    matches: false,
    onchange: null,
    addListener: () => undefined,
    removeListener: () => undefined
  });
/** Nothing is ever in sight, and nothing changes its size. */
class Unseeing {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
  takeRecords(): [] {
    return [];
  }
}
window.IntersectionObserver ??= Unseeing as unknown as typeof IntersectionObserver;
window.ResizeObserver ??= Unseeing as unknown as typeof ResizeObserver;

export {};
