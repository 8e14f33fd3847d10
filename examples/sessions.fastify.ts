import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import { type HostSessions, SessionTies } from '@tokenward/nestjs/session';
import type { SessionStore } from '@fastify/session';
import type { FastifyRequest } from 'fastify';

/** For the option `hostSessions` of `SessionModule`. The store is the one that `@fastify/session` has got. */
export const fastifySessions = (store: SessionStore): HostSessions => ({
  destroy: (sessionId) => promisify(store.destroy.bind(store))(sessionId),
});

@Injectable()
export class FastifyLogIn {
  constructor(
    private readonly ties: SessionTies,
    private readonly tokens: TokenService,
  ) {}

  /** After `storeTokens`. A log-in gives the session a new id. */
  async tie(request: FastifyRequest, userId: string, provider: string): Promise<void> {
    await request.session.regenerate();
    await this.ties.tie(request.session.sessionId, { userId, login: { provider } });
  }

  async logOut({ session }: FastifyRequest): Promise<void> {
    const tied = await this.ties.current(session.sessionId);
    if (tied) await this.tokens.revokeAll({ sessionId: tied.handle });
    await session.destroy();
  }
}
