import { Controller, Delete, Get, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import { TokenService, type StoredToken } from '@tokenward/nestjs';
import type { FastifyRequest } from 'fastify';
import { CurrentUser } from '../auth/current-user.js';
import { SessionGuard } from '../auth/session.guard.js';
import type { SessionUser } from '../auth/session-user.js';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { EncryptedColumns, type Encrypted } from './encrypted-columns.js';

interface Connection extends StoredToken {
  /** Refreshes since the log-in. */
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
    private readonly columns: EncryptedColumns,
    private readonly providers: ProviderDirectory,
  ) {}

  @Get()
  async list(@CurrentUser() user: SessionUser, @Req() { session }: FastifyRequest): Promise<Connections> {
    const stored = await this.tokens.listTokens({ userId: user.id });
    const connections = stored.map(async (token) => ({
      ...token,
      refreshes: token.generation - (session.generations?.[token.provider] ?? 1),
      encrypted: await this.columns.of(token),
    }));
    return { now: new Date(), connections: await Promise.all(connections) };
  }

  @Delete(':provider')
  @HttpCode(204)
  async disconnect(@CurrentUser() user: SessionUser, @Param('provider') provider: string): Promise<void> {
    this.providers.get(provider);
    await this.tokens.revokeTokens({ userId: user.id, provider });
  }

  @Post(':provider/refresh')
  @HttpCode(200)
  async refresh(
    @CurrentUser() user: SessionUser,
    @Param('provider') provider: string,
  ): Promise<{ scope: string | null; expiresAt: Date | null }> {
    this.providers.get(provider);
    const { scope, expiresAt } = await this.tokens.refreshTokens({ userId: user.id, provider });
    return { scope, expiresAt };
  }
}
