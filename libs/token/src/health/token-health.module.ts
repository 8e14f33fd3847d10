import { Controller, Get, Inject, Module } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { TokenHealthIndicator } from './token-health.indicator.js';

@Controller('health')
export class TokenHealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(TokenHealthIndicator) private readonly tokens: TokenHealthIndicator,
  ) {}

  /** Alive as long as it answers: a restart would not bring a database or a provider back. */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 when requests can be served, else 503 with the reason. A provider that is down does not count. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.tokens.checkDatabase(),
      () => this.tokens.checkKeys(),
      () => this.tokens.checkSpool(),
      () => this.tokens.checkRestore(),
      () => this.tokens.checkProviders(),
    ]);
  }
}

/** `GET /health/live` and `GET /health/ready` for orchestrators. Needs `@nestjs/terminus`. */
@Module({
  imports: [TerminusModule],
  controllers: [TokenHealthController],
  providers: [TokenHealthIndicator],
  exports: [TokenHealthIndicator],
})
export class TokenHealthModule {}
