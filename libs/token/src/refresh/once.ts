/**
 * A write that takes effect once, for whoever repeats it. Where the answer to it got lost, the next try finds nothing to
 * change: `isDone` then tells whether the row is as this write leaves it. False where somebody else was faster.
 */
export function once(write: () => Promise<boolean>, isDone: () => Promise<boolean>): () => Promise<boolean> {
  let tried = false;
  return async () => {
    const again = tried;
    tried = true;
    return (await write()) || (again && (await isDone()));
  };
}
