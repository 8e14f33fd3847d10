import { type ExecutionContext, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  type Principal,
  tokenEntities,
  tokenMigrations,
  TokenModule,
  type TokenModuleOptions,
} from '@tokenward/nestjs';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { TokenMetricsModule } from '@tokenward/nestjs/metrics';
import { CalendarService } from './calendar.service.js';
import { LoginController } from './login.controller.js';
import { RepositoriesController } from './repositories.controller.js';

/** Whose tokens a guarded route uses. Without this option: `request.user`, as most log-in guards leave it. */
function principal(context: ExecutionContext): Principal | null {
  const { session } = context.switchToHttp().getRequest<{ session?: { userId?: string } }>();
  return session?.userId === undefined ? null : { userId: session.userId };
}

const setting = (name: string): string => process.env[name] ?? '';

const tokenOptions = (): TokenModuleOptions => ({
  encryption: { keyring: setting('TOKEN_KEYRING') },
  providers: {
    google: {
      issuer: 'https://accounts.google.com',
      clientId: setting('GOOGLE_CLIENT_ID'),
      clientSecret: setting('GOOGLE_CLIENT_SECRET'),
      scope: 'openid email https://www.googleapis.com/auth/calendar.readonly',
      apiOrigins: ['https://www.googleapis.com'],
    },
    github: {
      authorizationEndpoint: 'https://github.com/login/oauth/authorize',
      tokenEndpoint: 'https://github.com/login/oauth/access_token',
      clientId: setting('GITHUB_CLIENT_ID'),
      clientSecret: setting('GITHUB_CLIENT_SECRET'),
      apiOrigins: ['https://api.github.com'],
    },
  },
  principal,
});

@Module({
  imports: [
    ScheduleModule.forRoot(),
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: setting('DATABASE_URL'),
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
    }),
    TokenModule.forRootAsync({ useFactory: tokenOptions }),
    TokenHealthModule,
    TokenMetricsModule,
  ],
  controllers: [LoginController, RepositoriesController],
  providers: [CalendarService],
})
export class AppModule {}
