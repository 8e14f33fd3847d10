import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
// Without this a SIGTERM ends the process at once, in the middle of a refresh if one is under way.
app.enableShutdownHooks();
await app.listen(3000);
