import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule, type TokenModuleOptions } from '@tokenward/nestjs';
import { AuthorizationModule, type UserOf } from '@tokenward/nestjs/authorization';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { TokenMetricsModule } from '@tokenward/nestjs/metrics';
import { SessionModule } from '@tokenward/nestjs/session';
import { CalendarService } from './calendar.service.js';
import { RepositoriesController } from './repositories.controller.js';

const setting = (name: string): string => process.env[name] ?? '';

const tokenOptions = (): TokenModuleOptions => ({
  encryption: { keyring: setting('TOKEN_KEYRING') },
  providers: {
    google: {
      profile: 'google',
      clientId: setting('GOOGLE_CLIENT_ID'),
      clientSecret: setting('GOOGLE_CLIENT_SECRET'),
      scope: 'openid email https://www.googleapis.com/auth/calendar.readonly',
      // What Google wants to hear before it issues a refresh token.
      authorizationParameters: { access_type: 'offline', prompt: 'consent' },
      apiOrigins: ['https://www.googleapis.com'],
    },
    github: {
      profile: 'github',
      clientId: setting('GITHUB_CLIENT_ID'),
      clientSecret: setting('GITHUB_CLIENT_SECRET'),
      apiOrigins: ['https://api.github.com'],
    },
  },
});

/** Google says who logs in; whoever is logged in may connect GitHub. */
const userOf: UserOf = ({ provider, subject }, current) =>
  provider === 'google' ? { userId: `google:${subject}` } : current;

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
    SessionModule.forRoot({}),
    AuthorizationModule.forRoot({ publicUrl: 'https://app.example.com', userOf }),
    TokenHealthModule,
    TokenMetricsModule,
  ],
  controllers: [RepositoriesController],
  providers: [CalendarService],
})
export class AppModule {}
