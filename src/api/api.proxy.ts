import { Injectable } from '@nestjs/common';
import { TokenHttpService } from '@tokenward/nestjs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { firstValueFrom, type Observable } from 'rxjs';
import { browserGone, callNotListed, sessionOver } from './api.fault.js';
import { CallWatch } from './call-watch.js';
import { type Caller, CallsUnderWay } from './calls-under-way.js';
import { ListedApis } from './listed-apis.js';
import { passAnswer, type Answer, type PassedCall } from './pass-answer.js';
import { requestBody } from './request-body.js';
import { requestHeaders } from './request-headers.js';

/** Passes calls on to a provider's API: only what the configuration lists, streamed both ways, with the user's token. */
@Injectable()
export class ApiProxy {
  private readonly underWay = new CallsUnderWay();

  constructor(
    private readonly http: TokenHttpService,
    private readonly apis: ListedApis,
  ) {}

  /**
   * `path`: what came after `/api/<provider>`, as it was written. `over`: something comes when the session of the call is
   * over, and an error where nobody can say. @throws ApiFault, TokenError
   */
  async pass(
    caller: Caller,
    path: string,
    request: FastifyRequest,
    reply: FastifyReply,
    over: Observable<unknown>,
  ): Promise<void> {
    const api = this.apis.get(caller.provider);
    const address = api.addressOf(request.method, path);
    if (address === null) throw callNotListed();
    // A page that went away while its session was looked up closes no more: nothing would count the call off.
    if (reply.raw.destroyed) throw browserGone();
    const leave = this.underWay.enter(caller, api.limits.callsAtOnce);
    const watch = new CallWatch(api.limits);
    const session = over.subscribe({
      next: () => watch.end(sessionOver()),
      error: (error: Error) => watch.end(error),
    });
    reply.raw.once('close', () => {
      leave();
      session.unsubscribe();
      if (reply.raw.writableFinished && request.raw.complete) return watch.done();
      watch.end(browserGone());
      // What the API did not want to read is not to stand in the way of the connection's next request.
      request.raw.unpipe();
      request.raw.resume();
    });
    const call = { api, address, request: request.raw, watch };
    try {
      passAnswer(await this.send(caller, call), call, reply);
    } catch (error) {
      throw watch.signal.aborted ? watch.signal.reason : error;
    }
  }

  private async send(caller: Caller, { api, address, request, watch }: PassedCall): Promise<Answer> {
    const { data, headers } = await requestBody(request, api.limits.requestBytes, watch);
    return firstValueFrom(
      this.http.as(caller).request<Readable>({
        method: request.method!,
        url: address,
        data,
        headers: { ...requestHeaders(request.headers), ...headers },
        signal: watch.signal,
        responseType: 'stream',
        decompress: false,
        maxRedirects: 0,
        // Whatever the API says is for the page to read; that it could not be asked is an error.
        validateStatus: () => true,
      }),
    );
  }
}
