/** The origin under which browsers reach this app: as configured, else where it listens. */
export class PublicUrl {
  private origin: string | null;

  constructor(configured: string | null) {
    this.origin = configured;
  }

  /** Called once the port is known, which with PORT=0 is after the app has begun to listen. */
  listensOn(port: number): void {
    this.origin ??= `http://localhost:${port}`;
  }

  /** The address of a path of this app. */
  to(path: string): string {
    if (this.origin === null) throw new Error('The app does not listen yet');
    return new URL(path, this.origin).href;
  }
}
