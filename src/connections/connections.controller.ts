import { Controller, Delete, Get, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import { TokenService, type StoredToken } from '@tokenward/nestjs';
import { CurrentSession, type Session, SessionGuard, SessionService } from '@tokenward/nestjs/session';
import type { FastifyRequest } from 'fastify';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { EncryptedColumns, type Encrypted } from './encrypted-columns.js';

interface Connection extends StoredToken {
  /** Refreshes since the session has first seen it. */
  refreshes: number;
  encrypted: Encrypted | null;
}

interface Connections {
  /** The server's clock, so that a page can count down whatever its own says. */
  now: Date;
  connections: Connection[];
}

/** What the user is connected to. Looking never refreshes a token. */
@Controller('connections')
@UseGuards(SessionGuard)
export class ConnectionsController {
  constructor(
    private readonly tokens: TokenService,
    private readonly sessions: SessionService,
    private readonly columns: EncryptedColumns,
    private readonly providers: ProviderDirectory,
  ) {}

  @Get()
  async list(@CurrentSession() session: Session, @Req() request: FastifyRequest): Promise<Connections> {
    const stored = await this.tokens.listTokens(userIn(session));
    const seen = await this.firstSeen(session, stored, request);
    const connections = stored.map(async (token) => ({
      ...token,
      refreshes: token.generation - seen[token.provider]!,
      encrypted: await this.columns.of(token),
    }));
    return { now: new Date(), connections: await Promise.all(connections) };
  }

  @Delete(':provider')
  @HttpCode(204)
  async disconnect(@CurrentSession() user: Session, @Param('provider') provider: string): Promise<void> {
    this.providers.get(provider);
    await this.tokens.revokeTokens({ ...userIn(user), provider });
  }

  @Post(':provider/refresh')
  @HttpCode(200)
  async refresh(
    @CurrentSession() user: Session,
    @Param('provider') provider: string,
  ): Promise<{ scope: string | null; expiresAt: Date | null }> {
    this.providers.get(provider);
    const { scope, expiresAt } = await this.tokens.refreshTokens({ ...userIn(user), provider });
    return { scope, expiresAt };
  }

  /** By provider: which generation of the token set the session has seen first. What came after are refreshes. */
  private async firstSeen(
    { attributes }: Session,
    stored: StoredToken[],
    request: FastifyRequest,
  ): Promise<Record<string, number>> {
    const known = attributes['generations'] as Record<string, number> | undefined;
    const present = Object.fromEntries(stored.map(({ provider, generation }) => [provider, generation]));
    const generations = { ...present, ...known };
    if (stored.some(({ provider }) => known?.[provider] === undefined))
      await this.sessions.update(request, { attributes: { ...attributes, generations } });
    return generations;
  }
}

const userIn = ({ userId, tenantId }: Session): { userId: string; tenantId: string } => ({
  userId,
  tenantId,
});
