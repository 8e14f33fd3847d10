import { randomBytes } from '../crypto/random.js';
import { sha256 } from '../crypto/sha256.js';

const NAME = 'tokenward-login';
const VALUE = /^[\w-]{43}$/;
const SECRET_BYTES = 32;

/**
 * Binds a log-in to the browser that has begun it. `__Host-` keeps sibling subdomains and plain HTTP from setting it
 * (RFC 6265bis §4.1.3.2); `SameSite=Lax`, since the callback comes from the provider's site.
 */
export class BrowserCookie {
  constructor(private readonly secure: boolean) {}

  get name(): string {
    return this.secure ? `__Host-${NAME}` : NAME;
  }

  /** The browser's secret; null where it has none, one that was not made here, or two, of which somebody else has set one. */
  read(header: string | undefined): string | null {
    const values = (header ?? '')
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(`${this.name}=`))
      .map((pair) => pair.slice(this.name.length + 1));
    return values.length === 1 && VALUE.test(values[0]!) ? values[0]! : null;
  }

  set(secret: string, maxAgeSeconds: number): string {
    const secure = this.secure ? '; Secure' : '';
    return `${this.name}=${secret}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly${secure}; SameSite=Lax`;
  }

  clear(): string {
    return `${this.set('', 0)}; Expires=Thu, 01 Jan 1970 00:00:00 GMT`;
  }
}

/** 256 random bits as they stand in a cookie, in `state` and as code verifier. */
export const randomSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** What the database knows of such a secret. */
export const hashOfSecret = (secret: string): string => sha256(secret);
