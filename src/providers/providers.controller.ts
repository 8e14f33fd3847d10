import { Controller, Get, Inject, Req } from '@nestjs/common';
import { SessionService } from '@tokenward/nestjs/session';
import type { FastifyRequest } from 'fastify';
import { ProviderDirectory, type OfferedProvider } from './provider-directory.js';

interface Offer {
  /** Whether it is worth asking for the session. */
  loggedIn: boolean;
  providers: OfferedProvider[];
  /** The path of the operator's page where users are shown the way to it, else null. */
  operatorPage: string | null;
}

export const OPERATOR_PAGE = Symbol('operator page');

/** What the page offers to everybody. */
@Controller('providers')
export class ProvidersController {
  constructor(
    private readonly providers: ProviderDirectory,
    private readonly sessions: SessionService,
    @Inject(OPERATOR_PAGE) private readonly operatorPage: Offer['operatorPage'],
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest): Promise<Offer> {
    const loggedIn = (await this.sessions.current(request)) !== null;
    return { loggedIn, providers: this.providers.list(), operatorPage: this.operatorPage };
  }
}
