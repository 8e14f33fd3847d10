import { Transform, type TransformCallback } from 'node:stream';

/** Passes bytes on and reports that they move, until there are too many of them. */
export class Meter extends Transform {
  private bytes = 0;

  constructor(
    private readonly most: number,
    private readonly moved: () => void,
    /** Ends the call, and this stream with it: what was too much is passed on no more. */
    private readonly exceeded: () => void,
  ) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    if (this.bytes > this.most) return this.exceeded();
    this.moved();
    done(null, chunk);
  }
}
