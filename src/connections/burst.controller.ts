import { BadRequestException, Controller, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { TokenHttpService, TokenService } from '@tokenward/nestjs';
import { CurrentSession, type Session, SessionGuard } from '@tokenward/nestjs/session';
import { firstValueFrom } from 'rxjs';
import { ListedApis } from '../api/listed-apis.js';
import { ProviderDirectory } from '../providers/provider-directory.js';

const calls = 50;

interface Burst {
  calls: number;
  /** How many of them the API answered with success. */
  ok: number;
  /** How many refreshes the provider has done for this token meanwhile. */
  exchanges: number;
}

/** Many calls for one token at once, here and not in the browser, which would send six at a time. */
@Controller('connections')
@UseGuards(SessionGuard)
export class BurstController {
  constructor(
    private readonly tokens: TokenService,
    private readonly http: TokenHttpService,
    private readonly apis: ListedApis,
    private readonly providers: ProviderDirectory,
  ) {}

  @Post(':provider/burst')
  @HttpCode(200)
  async burst(@CurrentSession() user: Session, @Param('provider') provider: string): Promise<Burst> {
    const path = this.providers.sample(provider);
    const address = path === null ? null : this.apis.get(provider).addressOf('GET', path);
    if (address === null) throw new BadRequestException('No call to try out is listed for this provider.');
    const { userId, tenantId } = user;
    const call = () => firstValueFrom(this.http.as({ userId, tenantId, provider }).get(address));
    const before = await this.generation(user, provider);
    const answers = await Promise.allSettled(Array.from({ length: calls }, call));
    const ok = answers.filter(({ status }) => status === 'fulfilled').length;
    return { calls, ok, exchanges: (await this.generation(user, provider)) - before };
  }

  private async generation({ userId, tenantId }: Session, provider: string): Promise<number> {
    const [stored] = await this.tokens.listTokens({ userId, tenantId, provider });
    return stored?.generation ?? 0;
  }
}
