/** The end of a text that grows without end. Holds at most twice `most` characters, however much was printed. */
export class Tail {
  private _pieces: string[] = [];
  private _held = 0;
  private _left = 0;

  constructor(readonly most: number) {}

  /** Characters that were printed before those that are kept. */
  get left(): number {
    return this._left;
  }

  append(piece: string): void {
    if (piece.length > 2 * this.most) {
      this._left += this._held + piece.length - this.most;
      this._pieces = [piece.slice(-this.most)];
      this._held = this.most;
      return;
    }
    this._pieces.push(piece);
    this._held += piece.length;
    if (this._held > 2 * this.most) {
      this._cut();
    }
  }

  /** The kept end, at most `most` characters, with `\r` carried out. */
  toString(): string {
    const text = this._joined();
    return text.length > this.most ? text.slice(-this.most) : text;
  }

  private _joined(): string {
    const text = overwritten(this._pieces.join(''));
    this._pieces = [text];
    this._held = text.length;
    return text;
  }

  private _cut(): void {
    const text = this._joined();
    if (text.length > this.most) {
      this._left += text.length - this.most;
      this._pieces = [text.slice(-this.most)];
      this._held = this.most;
    }
  }
}

/** What a screen shows after `\r` went back to the start of its line: what follows the last one. */
export function overwritten(text: string): string {
  if (!text.includes('\r')) {
    return text;
  }
  const lines = text.split('\n');
  // The last line may go on: a `\r` at its end has not overwritten anything yet.
  return lines
    .map((line, i) => {
      const ended = i < lines.length - 1 ? line.replace(/\r{1,1000}$/, '') : line;
      const from = ended.lastIndexOf('\r', ended.length - 2);
      return from < 0 ? ended : ended.slice(from + 1);
    })
    .join('\n');
}
