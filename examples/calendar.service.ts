import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { TokenError, TokenHttpService, type TokenRef, TokenService } from '@tokenward/nestjs';
import { firstValueFrom } from 'rxjs';

const CALENDARS = 'https://www.googleapis.com/calendar/v3/users/me/calendarList';

@Injectable()
export class CalendarService {
  private readonly logger = new Logger(CalendarService.name);

  constructor(
    private readonly tokens: TokenService,
    private readonly http: TokenHttpService,
  ) {}

  async calendars(ref: TokenRef): Promise<unknown> {
    const { data } = await firstValueFrom(this.http.as(ref).get<unknown>(CALENDARS, { timeout: 10_000 }));
    return data;
  }

  /**
   * Runs without any user at hand; access tokens that have expired are refreshed on the way. Nest runs it on every
   * replica: where once is enough, set it up on one of them only.
   */
  @Cron('0 0 * * * *')
  async readAll(): Promise<void> {
    for (const stored of await this.tokens.listTokens({ provider: 'google', status: 'active' })) {
      try {
        await this.calendars(stored);
      } catch (error) {
        // Whatever it is, an API that fails or a user who has to log in again: the others are served.
        if (!(error instanceof TokenError)) throw error;
        this.logger.warn(error.message);
      }
    }
  }
}
