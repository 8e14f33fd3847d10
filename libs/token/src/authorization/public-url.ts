import { TokenConfigurationError } from '../common/errors.js';

/** Why a public URL cannot be used, or null. */
export function publicUrlFault(value: string, allowInsecureRequests: boolean): string | null {
  if (!URL.canParse(value)) return 'must be a URL such as https://app.example.com';
  const { protocol, username, password, search, hash } = new URL(value);
  if (protocol === 'http:' && !allowInsecureRequests)
    return 'must begin with https: (for local development set allowInsecureRequests: true)';
  if (protocol !== 'https:' && protocol !== 'http:') return 'must begin with https:';
  return username || password || search || hash || value.endsWith('?') || value.endsWith('#')
    ? 'must have neither user, query nor fragment'
    : null;
}

/** Where browsers find the application, as it was configured: what a request says of its host is never asked. */
export class PublicUrl {
  constructor(
    private readonly configured: string | (() => string),
    private readonly allowInsecureRequests: boolean,
    private readonly prefix: string,
  ) {}

  private get base(): URL {
    const { configured } = this;
    const value = typeof configured === 'function' ? configured() : configured;
    const fault = publicUrlFault(value, this.allowInsecureRequests);
    if (fault !== null) throw new TokenConfigurationError([`AuthorizationModule publicUrl: ${fault}`]);
    return new URL(value);
  }

  get isSecure(): boolean {
    return this.base.protocol === 'https:';
  }

  get origin(): string {
    return this.base.origin;
  }

  /** Path of the routes of a log-in. */
  get ownPath(): string {
    return `${this.base.pathname.replace(/\/+$/, '')}/${this.prefix}`;
  }

  /** A provider of its own each: an answer that arrives at another one's is not meant for it (RFC 9700 §4.4.2.2). */
  callback(provider: string): string {
    return `${this.origin}${this.ownPath}/callback/${provider}`;
  }
}
