import { text } from 'node:stream/consumers';
import type { InteractionResults, KoaContextWithOIDC, default as Provider } from 'oidc-provider';
import { loginPage } from './pages.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

const path = /^\/login\/[\w-]+$/;

const isName = (name: string): boolean => /^[\p{L}\p{N}.@_ -]{1,64}$/u.test(name);

/** The login form at `/login/:uid`. Signing in there also consents to what the page lists: one step for the user. */
export function loginRoutes(provider: Provider) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (!path.test(ctx.path)) return next();
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    // Who has signed in before only has to allow what is asked for.
    const known = interaction.prompt.name === 'consent' ? interaction.session?.accountId : undefined;
    if (ctx.method !== 'POST') return loginPage(ctx, interaction.params, known);

    const form = new URLSearchParams(await text(ctx.req));
    if (form.has('cancel')) {
      const description = 'You chose not to sign in.';
      return finish(provider, ctx, { error: 'access_denied', error_description: description });
    }
    const name = known ?? form.get('name')?.trim() ?? '';
    if (known === undefined && (!isName(name) || !form.get('password'))) {
      return loginPage(
        ctx,
        interaction.params,
        undefined,
        'Please enter a name and a password. Any will do here.',
      );
    }
    return finish(provider, ctx, await granted(provider, interaction, name));
  };
}

async function granted(
  provider: Provider,
  { params }: Interaction,
  accountId: string,
): Promise<InteractionResults> {
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
  grant.addOIDCScope(String(params['scope']));
  return { login: { accountId }, consent: { grantId: await grant.save() } };
}

async function finish(
  provider: Provider,
  ctx: KoaContextWithOIDC,
  result: InteractionResults,
): Promise<void> {
  ctx.status = 303;
  ctx.redirect(
    await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }),
  );
}
