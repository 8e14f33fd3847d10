import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import { TokenService, type StoredToken } from '@tokenward/nestjs';
import { CurrentSession, type Session, SessionGuard, SessionService } from '@tokenward/nestjs/session';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { Valid } from '../web/valid.pipe.js';
import { StoredColumns, type Encrypted } from './stored-columns.js';

interface Connection extends StoredToken {
  /** Refreshes since the session has first seen it. */
  refreshes: number;
  /** After a refresh that did not work: when the next one is tried. */
  retryAt: Date | null;
  encrypted: Encrypted | null;
}

interface Connections {
  /** The server's clock, so that a page can count down whatever its own says. */
  now: Date;
  connections: Connection[];
}

/** Which of the accounts at the provider; the one that log-ins use unless told otherwise. */
const whichAccount = new Valid(
  z.strictObject({
    account: z
      .string()
      .regex(/^[\w.@+-]{1,64}$/, 'must be 1 to 64 letters, digits and . _ @ + -')
      .default('default'),
  }),
);

interface WhichAccount {
  account: string;
}

/** What the user is connected to. Looking never refreshes a token. */
@Controller('connections')
@UseGuards(SessionGuard)
export class ConnectionsController {
  constructor(
    private readonly tokens: TokenService,
    private readonly sessions: SessionService,
    private readonly columns: StoredColumns,
    private readonly providers: ProviderDirectory,
  ) {}

  @Get()
  async list(@CurrentSession() session: Session, @Req() request: FastifyRequest): Promise<Connections> {
    const stored = await this.tokens.listTokens(userIn(session));
    const seen = await this.firstSeen(session, stored, request);
    const connections = stored.map(async (token) => ({
      ...token,
      refreshes: token.generation - seen[nameOf(token)]!,
      ...(await this.columns.of(token)),
    }));
    return { now: new Date(), connections: await Promise.all(connections) };
  }

  @Delete(':provider')
  @HttpCode(204)
  async disconnect(
    @CurrentSession() user: Session,
    @Param('provider') provider: string,
    @Query(whichAccount) { account }: WhichAccount,
  ): Promise<void> {
    this.providers.get(provider);
    await this.tokens.revokeTokens({ ...userIn(user), provider, account });
  }

  @Post(':provider/refresh')
  @HttpCode(200)
  async refresh(
    @CurrentSession() user: Session,
    @Param('provider') provider: string,
    @Query(whichAccount) { account }: WhichAccount,
  ): Promise<{ scope: string | null; expiresAt: Date | null }> {
    this.providers.get(provider);
    const { scope, expiresAt } = await this.tokens.refreshTokens({ ...userIn(user), provider, account });
    return { scope, expiresAt };
  }

  /** By connection: which generation of the token set the session has seen first. What came after are refreshes. */
  private async firstSeen(
    { attributes }: Session,
    stored: StoredToken[],
    request: FastifyRequest,
  ): Promise<Record<string, number>> {
    const known = attributes['generations'] as Record<string, number> | undefined;
    const present = Object.fromEntries(stored.map((token) => [nameOf(token), token.generation]));
    const generations = { ...present, ...known };
    if (stored.some((token) => known?.[nameOf(token)] === undefined))
      await this.sessions.update(request, { attributes: { ...attributes, generations } });
    return generations;
  }
}

const nameOf = ({ provider, account }: StoredToken): string =>
  account === 'default' ? provider : `${provider}/${account}`;

const userIn = ({ userId, tenantId }: Session): { userId: string; tenantId: string } => ({
  userId,
  tenantId,
});
