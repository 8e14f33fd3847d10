import { Injectable } from '@nestjs/common';
import { type TokenRef, TokenService } from '@tokenward/nestjs';

const REPORTS = 'https://reports.example.com/';

@Injectable()
export class ReportsService {
  constructor(private readonly tokens: TokenService) {}

  /** As the application itself: no user takes part. */
  async nightly(): Promise<unknown> {
    const token = await this.tokens.getClientToken('acme', { resource: REPORTS, scope: 'reports:read' });
    return this.read(token.value);
  }

  /** As the user, with a token that is good for the reports only. */
  async mine(ref: TokenRef): Promise<unknown> {
    const token = await this.tokens.exchangeToken(ref, { audience: 'reports', scope: 'reports:read' });
    return this.read(token.value);
  }

  private async read(token: string): Promise<unknown> {
    const answer = await fetch(REPORTS, { headers: { authorization: `Bearer ${token}` } });
    return answer.json();
  }
}
