import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule } from '@tokenward/nestjs';
import { SessionModule } from '@tokenward/nestjs/session';
import { DevicesController } from './sessions.devices.controller.js';

@Module({
  imports: [
    ScheduleModule.forRoot(),
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env['DATABASE_URL']!,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
    }),
    TokenModule.forRoot({
      encryption: { keyring: process.env['TOKEN_KEYRING']! },
      providers: {
        google: { profile: 'google', clientId: process.env['GOOGLE_CLIENT_ID']! },
      },
    }),
    SessionModule.forRoot({ idleSeconds: 1800, absoluteSeconds: 43_200 }),
  ],
  controllers: [DevicesController],
})
export class AppModule {}
