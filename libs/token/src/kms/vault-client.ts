import axios, { type AxiosResponse } from 'axios';
import { KeyError } from '../keys/key-wrapper.js';
import { withinDeadline } from './deadline.js';

export type VaultToken = string | (() => string | Promise<string>);

export interface VaultConnection {
  address: string;
  token: VaultToken;
  mount: string;
  namespace?: string | undefined;
  timeoutSeconds: number;
}

/** An answer of Vault, whatever its status. `body` is null where it is not JSON. */
export interface TransitAnswer {
  status: number;
  body: unknown;
}

const MAX_BODY_BYTES = 65_536;

/** Requests to a transit engine. No error of the HTTP client leaves it: those carry the token. */
export class TransitClient {
  readonly #connection: VaultConnection;
  readonly #base: string;
  readonly #http = axios.create();

  constructor(connection: VaultConnection) {
    this.#connection = connection;
    this.#base = `${connection.address.replace(/\/+$/, '')}/v1/${connection.mount}`;
  }

  /** @throws KeyError `KMS_TIMEOUT` or `KEK_UNAVAILABLE` when no answer came */
  async post(operation: 'encrypt' | 'decrypt', key: string, body: object): Promise<TransitAnswer> {
    const { status, data } = await withinDeadline('Vault', this.#connection.timeoutSeconds, async (signal) =>
      this.send(`${this.#base}/${operation}/${key}`, body, await this.token(), signal),
    );
    return { status, body: parsed(data) };
  }

  private async send(
    url: string,
    body: object,
    token: string,
    signal: AbortSignal,
  ): Promise<AxiosResponse<string>> {
    const { namespace } = this.#connection;
    try {
      return await this.#http.post<string>(url, body, {
        headers: {
          'X-Vault-Token': token,
          'X-Vault-Request': 'true',
          ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }),
        },
        signal,
        adapter: 'http',
        // The token goes to the address, and nowhere else.
        maxRedirects: 0,
        proxy: false,
        maxContentLength: MAX_BODY_BYTES,
        responseType: 'text',
        transformResponse: (text: string) => text,
        validateStatus: () => true,
      });
    } catch (error) {
      throw unreachable(error);
    }
  }

  private async token(): Promise<string> {
    const { token } = this.#connection;
    try {
      // A token that was read from a file ends with a line break.
      const value = (typeof token === 'function' ? await token() : token).trim();
      if (/^[\x21-\x7e]+$/.test(value)) return value;
    } catch {
      // Said below: the error may hold anything.
    }
    throw new KeyError('KEK_UNAVAILABLE', 'the Vault token could not be read, or is empty or malformed');
  }
}

function unreachable(error: unknown): KeyError {
  const { code } = (error ?? {}) as { code?: unknown };
  if (code === 'ETIMEDOUT' || code === 'ECONNABORTED')
    return new KeyError('KMS_TIMEOUT', 'Vault did not answer in time');
  const shown = typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code) ? code : 'unknown error';
  return new KeyError('KEK_UNAVAILABLE', `Vault could not be reached, or its answer not be read (${shown})`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
