import { ConfigurableModuleBuilder } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TokenExceptionFilter } from './guard/token-exception.filter.js';
import type { TokenModuleOptions } from './token.options.js';

const extras = {
  /** Makes the module's providers available everywhere. */
  isGlobal: true,
  /** Answers `TokenError`s as problem documents; false leaves them to the application's own filters. */
  exceptionFilter: true,
};

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<TokenModuleOptions>()
    .setClassMethodName('forRoot')
    .setExtras(extras, ({ providers = [], ...definition }, { isGlobal, exceptionFilter }) => ({
      ...definition,
      global: isGlobal,
      providers: exceptionFilter
        ? [...providers, { provide: APP_FILTER, useClass: TokenExceptionFilter }]
        : providers,
    }))
    .build();
