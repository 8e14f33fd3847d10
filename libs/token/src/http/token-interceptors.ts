import { Readable } from 'node:stream';
import { type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { LRUCache } from 'lru-cache';
import { TokenConfigurationError, TokenError } from '../common/errors.js';
import { IssuedAccessToken, type TokenRef } from '../common/tokens.js';
import type { Providers } from '../oauth/providers.js';
import { resolveTokenRef } from '../token-ref.js';
import type { TokenService } from '../token.service.js';
import { toApiRequestError, toStreamError } from './api-request.error.js';
import { allowedTarget, checkedAdapter, foreignOrigin, isSingleUse, withoutSecrets } from './egress.js';
import { RequestProof } from './proof.js';

/** What is known of one request; kept beside its config so that nothing secret hangs on what callers see. */
interface Sending {
  ref: TokenRef;
  target: URL;
  token: IssuedAccessToken;
  /** Before axios has serialized it. */
  data: unknown;
  redirectedTo: string | null;
  proof: RequestProof;
  /** With a newer token. */
  repeated: boolean;
  /** With a nonce that the API wants to see. */
  hasNonce: boolean;
}

/** Marks a repeated request. axios copies configs but hands instances of classes through. */
class Repeat {
  constructor(
    readonly token: IssuedAccessToken,
    readonly reason: { repeated: boolean; hasNonce: boolean },
    /** What its proof has to hold; null: whatever is known. */
    readonly nonce: string | null = null,
  ) {}
}

const REPEAT = 'tokenwardRepeat';
const UNAUTHORIZED = 401;

/** Attaches tokens to requests, repeats once after a 401, and turns failures into errors without secrets. */
export class TokenInterceptors {
  readonly #sendings = new WeakMap<object, Sending>();
  /** Newest generation that an API refused although it was just refreshed: refreshing again would not help. */
  readonly #refused: LRUCache<string, number>;

  constructor(
    private readonly instance: AxiosInstance,
    private readonly tokens: TokenService,
    private readonly providers: Providers,
    cooldownSeconds: number,
  ) {
    this.#refused = new LRUCache({ max: 10_000, ttl: Math.max(1, cooldownSeconds * 1000) });
  }

  install(): void {
    this.instance.interceptors.request.use((config) => this.attach(config));
    this.instance.interceptors.response.use(
      (response) =>
        response.status === UNAUTHORIZED
          ? this.answer401(response, () => this.handOut(response))
          : this.handOut(response),
      (error: unknown) => this.fail(error),
    );
  }

  private async attach(config: InternalAxiosRequestConfig): Promise<InternalAxiosRequestConfig> {
    const ref = config.token;
    if (!ref)
      throw new TokenConfigurationError(
        ['TokenHttpService needs to know whose token to send: use `http.as(ref)` or `{ token: ref }`.'],
        'TOKEN_REF_MISSING',
      );
    const target = allowedTarget(this.instance.getUri(config), config, this.providers.get(ref.provider));
    const repeat = takeRepeat(config);
    const token = repeat?.token ?? (await this.tokens.getAccessToken(ref, signalOf(config)));
    const proof = new RequestProof(this.providers.proofs, token, ref.provider, repeat?.nonce);
    const sending: Sending = {
      ref,
      target,
      token,
      data: config.data,
      redirectedTo: null,
      proof,
      ...(repeat?.reason ?? { repeated: false, hasNonce: false }),
    };
    this.#sendings.set(config, sending);
    config.adapter = checkedAdapter(config);
    // What a former token was sent with.
    if (repeat) config.headers.delete('DPoP');
    for (const [name, value] of Object.entries(proof.headers(config.method ?? 'get', target)))
      config.headers.set(name, value);
    const { beforeRedirect } = config;
    config.beforeRedirect = (options, answer, ...rest) => {
      sending.redirectedTo = foreignOrigin(options, target);
      if (sending.redirectedTo !== null) throw new Error('redirect refused');
      proof.redirected(options, target, answer);
      beforeRedirect?.(options, answer, ...rest);
    };
    return config;
  }

  private async fail(error: unknown): Promise<AxiosResponse> {
    // Our own errors, an abort during the wait for a token, a database that is away: said by whom it concerns.
    if (!isAxiosError(error)) throw error;
    const sending = error.config && this.#sendings.get(error.config);
    if (!sending)
      throw new TokenError('API_REQUEST_INVALID', 'The request could not be built; check its options.');
    if (error.response) sending.proof.wantedNonce(error.response, sending.target);
    const translated = (): never => {
      // Nobody will read it: give its connection back.
      if (error.response?.data instanceof Readable) error.response.data.destroy();
      throw toApiRequestError(error, sending.target, sending.redirectedTo);
    };
    return error.response?.status === UNAUTHORIZED
      ? this.answer401(error.response, translated)
      : translated();
  }

  private handOut(response: AxiosResponse): AxiosResponse {
    const { method = 'get' } = response.config;
    const sending = this.#sendings.get(response.config);
    sending?.proof.wantedNonce(response, sending.target);
    return withoutSecrets(response, (error) =>
      sending ? toStreamError(error, method, sending.target) : new Error('the answer broke off'),
    );
  }

  /** Refreshes once and repeats once, unless that cannot help. What lacks a nonce is repeated with it, also once. */
  private async answer401(response: AxiosResponse, giveUp: () => AxiosResponse): Promise<AxiosResponse> {
    const { config } = response;
    const sending = this.#sendings.get(config);
    if (!sending) return giveUp();
    const { ref, target, token, proof, data, repeated, hasNonce } = sending;
    const nonce = proof.wantedNonce(response, target);
    if (nonce !== null)
      return hasNonce || isSingleUse(data)
        ? giveUp()
        : this.repeat(response, sending, new Repeat(token, { repeated, hasNonce: true }, nonce));
    const key = JSON.stringify(resolveTokenRef(ref));
    const generation = IssuedAccessToken.generationOf(token);
    if (repeated) {
      this.#refused.set(key, generation);
      return giveUp();
    }
    if (isSingleUse(data) || generation <= (this.#refused.get(key) ?? 0)) return giveUp();
    giveBack(response);
    const newer = await this.tokens.getAccessToken(ref, { forceRefresh: token, ...signalOf(config) });
    return this.repeat(response, sending, new Repeat(newer, { repeated: true, hasNonce }));
  }

  private async repeat(response: AxiosResponse, { data }: Sending, repeat: Repeat): Promise<AxiosResponse> {
    giveBack(response);
    return this.instance.request(Object.assign({ ...response.config, data }, { [REPEAT]: repeat }));
  }
}

/** Nobody reads a refused answer: its connection is free for others. */
function giveBack({ data }: AxiosResponse): void {
  if (data instanceof Readable) data.destroy();
}

function takeRepeat(config: InternalAxiosRequestConfig & { [REPEAT]?: unknown }): Repeat | null {
  const repeat = config[REPEAT];
  delete config[REPEAT];
  return repeat instanceof Repeat ? repeat : null;
}

function signalOf({ signal }: InternalAxiosRequestConfig): { signal?: AbortSignal } {
  return signal instanceof AbortSignal ? { signal } : {};
}
