import { Controller, Get, Inject, Req } from '@nestjs/common';
import { SessionService } from '@tokenward/nestjs/session';
import type { FastifyRequest } from 'fastify';
import { ProviderDirectory, type OfferedProvider } from './provider-directory.js';

interface ForTryingOut {
  /** The path of the operator's page where users are shown the way to it, else null. */
  operatorPage: string | null;
  /** Whether providers can be made to fail. */
  demo: boolean;
}

interface Offer extends ForTryingOut {
  /** Whether it is worth asking for the session. */
  loggedIn: boolean;
  providers: OfferedProvider[];
}

export const OFFER = Symbol('what is offered for trying out');

/** What the page offers to everybody. */
@Controller('providers')
export class ProvidersController {
  constructor(
    private readonly providers: ProviderDirectory,
    private readonly sessions: SessionService,
    @Inject(OFFER) private readonly offer: ForTryingOut,
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest): Promise<Offer> {
    const loggedIn = (await this.sessions.current(request)) !== null;
    return { loggedIn, providers: this.providers.list(), ...this.offer };
  }
}
