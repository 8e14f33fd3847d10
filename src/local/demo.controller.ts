import { Controller, Delete, Get, HttpCode, NotFoundException, Param, Post, UseGuards } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import { CurrentSession, SessionGuard, type Session } from '@tokenward/nestjs/session';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { LocalServices } from './local.services.js';

/** Longer than the first provider's access tokens live by default. */
const outageSeconds = 45;

interface Outages {
  /** By provider: when its token endpoint will work again. */
  outages: Record<string, Date>;
}

/** Lets happen to the providers that come along what happens to others by itself. */
@Controller('demo')
@UseGuards(SessionGuard)
export class DemoController {
  private readonly outages = new Map<string, Date>();

  constructor(
    private readonly local: LocalServices,
    private readonly tokens: TokenService,
    private readonly providers: ProviderDirectory,
  ) {}

  @Get()
  list(): Outages {
    const now = Date.now();
    const lasting = [...this.outages].filter(([, until]) => until.getTime() > now);
    return { outages: Object.fromEntries(lasting) };
  }

  @Post(':provider/outage')
  @HttpCode(200)
  fail(@Param('provider') provider: string): Outages {
    return this.setOutage(provider, outageSeconds);
  }

  @Delete(':provider/outage')
  recover(@Param('provider') provider: string): Outages {
    return this.setOutage(provider, 0);
  }

  /** As a user does on the provider's own pages: the application learns of it when it is refused. */
  @Post(':provider/withdraw')
  @HttpCode(204)
  async withdraw(
    @CurrentSession() { userId, tenantId }: Session,
    @Param('provider') provider: string,
  ): Promise<void> {
    const { options } = this.providers.get(provider);
    const stored = await this.tokens.getTokens({ userId, tenantId, provider });
    if (!stored?.refreshToken) throw new NotFoundException('There is nothing to withdraw.');
    await revoke(options.issuer!, options.clientId, String(options.clientSecret), stored.refreshToken.value);
  }

  private setOutage(provider: string, seconds: number): Outages {
    this.providers.get(provider);
    this.local.fail({ provider, seconds });
    this.outages.set(provider, new Date(Date.now() + seconds * 1000));
    return this.list();
  }
}

/** RFC 7009: the provider ends the whole grant. */
async function revoke(issuer: string, id: string, secret: string, token: string): Promise<void> {
  const answer = await fetch(new URL('/token/revocation', issuer), {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ token }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(`The local provider refuses to withdraw: ${answer.status}`);
}
