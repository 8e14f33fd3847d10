import { ConfigurableModuleBuilder } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { AUTHORIZATION_PREFIX } from './authorization.tokens.js';
import type { AuthorizationModuleOptions } from './authorization.options.js';

const extras = {
  /** Path below which the routes are, without slashes at its ends. With a global prefix of the application below that one. */
  prefix: 'auth',
};

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<AuthorizationModuleOptions>()
    .setClassMethodName('forRoot')
    .setExtras(extras, (definition, { prefix }) => ({
      ...definition,
      imports: [
        ...(definition.imports ?? []),
        RouterModule.register([{ path: prefix, module: definition.module }]),
      ],
      providers: [...(definition.providers ?? []), { provide: AUTHORIZATION_PREFIX, useValue: prefix }],
    }))
    .build();
