import {
  Controller,
  Get,
  Header,
  Inject,
  Param,
  Query,
  Redirect,
  Req,
  Res,
  UseFilters,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SessionService } from '../session/session.service.js';
import { AuthorizationFaultFilter } from './authorization-fault.filter.js';
import { AuthorizationService } from './authorization.service.js';
import { BrowserCookie } from './browser-cookie.js';
import { CallbackService } from './callback.service.js';
import { AuthorizationFault } from './faults.js';
import { headerOf, type HttpRequest, queryOf } from './http.js';
import { PublicUrl } from './public-url.js';
import { LIFETIME_SECONDS } from './transactions.js';

interface Location {
  url: string;
}

/** Pages of this application and addresses that a person has typed; browsers that do not tell are believed. */
const OWN_SITES = new Set([undefined, 'same-origin', 'none']);

/** A link names no origin. The handshake of a WebSocket does, and in browsers nothing else beside it. */
const isSocket = (request: HttpRequest): boolean =>
  headerOf(request, 'sec-fetch-site') === undefined && headerOf(request, 'origin') !== undefined;

const isFromOwnSite = (request: HttpRequest): boolean => OWN_SITES.has(headerOf(request, 'sec-fetch-site'));

/** The routes that a person's browser goes to. Their faults are pages. */
@Controller()
@UseFilters(AuthorizationFaultFilter)
export class LoginController {
  constructor(
    @Inject(AuthorizationService) private readonly authorizations: AuthorizationService,
    @Inject(CallbackService) private readonly callbacks: CallbackService,
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(PublicUrl) private readonly publicUrl: PublicUrl,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  @Get('login/:provider')
  @Redirect(undefined, 303)
  @Header('Cache-Control', 'no-store')
  async login(
    @Param('provider') provider: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<Location> {
    return this.begin(provider, query, request, response, false);
  }

  /** Another account, or more scope, for the user who is logged in. */
  @Get('connect/:provider')
  @Redirect(undefined, 303)
  @Header('Cache-Control', 'no-store')
  async connect(
    @Param('provider') provider: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<Location> {
    // A link of another site must not make somebody who is logged in allow this application more.
    if (!isFromOwnSite(request)) throw new AuthorizationFault('cross_site');
    return this.begin(provider, query, request, response, true);
  }

  @Get('callback/:provider')
  @Redirect(undefined, 303)
  @Header('Cache-Control', 'no-store')
  @Header('Referrer-Policy', 'no-referrer')
  async callback(
    @Param('provider') name: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<Location> {
    const provider = this.authorizations.provider(name);
    const browser = this.cookie.read(headerOf(request, 'cookie'));
    const current = await this.sessions.current(request);
    const { returnTo, hasOthers, session } = await this.callbacks.finish(
      provider,
      queryOf(request),
      browser,
      current,
    );
    if (session) {
      const userAgent = headerOf(request, 'user-agent');
      await this.sessions.start(request, response, {
        ...session.user,
        login: session.login,
        ...(userAgent !== undefined && { userAgent }),
      });
    }
    if (!hasOthers) this.setCookie(response, this.cookie.clear());
    return { url: returnTo };
  }

  private async begin(
    provider: string,
    query: unknown,
    request: HttpRequest,
    response: object,
    connects: boolean,
  ): Promise<Location> {
    // Nobody logs in by an image, a frame, a script or a socket, but they would use up what is bounded.
    if (isSocket(request) || ![undefined, 'document'].includes(headerOf(request, 'sec-fetch-dest')))
      throw new AuthorizationFault('bad_request', 'not a navigation');
    const session = connects ? await this.sessions.current(request) : null;
    if (connects && session === null) throw new AuthorizationFault('logged_out');
    const known = this.cookie.read(headerOf(request, 'cookie'));
    const { url, browser } = await this.authorizations.begin(
      provider,
      query,
      known,
      session,
      isFromOwnSite(request),
    );
    this.setCookie(response, this.cookie.set(browser, LIFETIME_SECONDS));
    return { url };
  }

  private get cookie(): BrowserCookie {
    return new BrowserCookie(this.publicUrl.isSecure);
  }

  private setCookie(response: object, cookie: string): void {
    this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', cookie);
  }
}
