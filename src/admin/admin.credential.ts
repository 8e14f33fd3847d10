import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (credential: string | Buffer): Buffer => createHash('sha256').update(credential).digest();

/** What opens the admin area: the user `admin` and one password, as HTTP Basic authentication sends them (RFC 7617). */
export class AdminCredential {
  private readonly expected: Buffer;

  constructor(password: string) {
    this.expected = digest(`admin:${password}`);
  }

  /** Digests are compared, in constant time: how long it takes tells neither how much is right nor how long it is. */
  matches(authorization: string): boolean {
    const given = /^basic +([a-z\d+/]+=*)$/i.exec(authorization)?.[1] ?? '';
    return timingSafeEqual(digest(Buffer.from(given, 'base64')), this.expected);
  }
}
