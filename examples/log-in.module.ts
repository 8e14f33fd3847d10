import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule, type TokenModuleOptions } from '@tokenward/nestjs';
import { AuthorizationModule, type UserOf } from '@tokenward/nestjs/authorization';
import { SessionModule } from '@tokenward/nestjs/session';

const setting = (name: string): string => process.env[name] ?? '';

const tokenOptions = (): TokenModuleOptions => ({
  encryption: { keyring: setting('TOKEN_KEYRING') },
  providers: {
    google: {
      profile: 'google',
      clientId: setting('GOOGLE_CLIENT_ID'),
      clientSecret: setting('GOOGLE_CLIENT_SECRET'),
      scope: 'openid email',
      // What Google wants to hear before it issues a refresh token.
      authorizationParameters: { access_type: 'offline', prompt: 'consent' },
    },
    github: {
      profile: 'github',
      clientId: setting('GITHUB_CLIENT_ID'),
      clientSecret: setting('GITHUB_CLIENT_SECRET'),
      apiOrigins: ['https://api.github.com'],
    },
  },
});

/** Google says who logs in; whoever is logged in may connect GitHub, which does not. */
const userOf: UserOf = ({ provider, subject, claims }, current) => {
  if (provider !== 'google') return current;
  return { userId: `google:${subject}`, attributes: { name: claims?.['email'] } };
};

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
    AuthorizationModule.forRoot({
      publicUrl: 'https://app.example.com',
      userOf,
      furtherScope: { google: 'https://www.googleapis.com/auth/calendar.readonly' },
      page: ({ title, text }) => `<!doctype html><title>${title}</title><h1>${title}</h1><p>${text}</p>`,
    }),
  ],
})
export class AppModule {}
