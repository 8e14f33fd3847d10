import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import { html, Html } from '../common/html.js';
import { style } from './pages.style.js';

const meanings: Record<string, string> = {
  openid: 'know who you are',
  profile: 'see your name',
  api: 'call the demo API for you',
  offline_access: 'stay connected while you are away',
};

function show(ctx: KoaContextWithOIDC, title: string, content: Html): void {
  const nonce = crypto.randomUUID();
  const who = `OpenID provider at ${ctx.host}`;
  ctx.type = 'html';
  ctx.set(
    'content-security-policy',
    `default-src 'none'; style-src 'nonce-${nonce}'; frame-ancestors 'none'`,
  );
  ctx.set('cache-control', 'no-store');
  ctx.set('referrer-policy', 'no-referrer');
  ctx.body = String(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · ${who}</title>
        <style nonce="${nonce}">
          ${style}
        </style>
        <main>
          <p class="who">${who}</p>
          <h1>${title}</h1>
          ${content}
        </main>
      </html>`,
  );
}

type Params = Record<string, unknown>;

/** Asks who the user is, unless that is known, and for consent to what the app may do. */
export function loginPage(ctx: KoaContextWithOIDC, params: Params, known?: string, fault?: string): void {
  const scopes = typeof params['scope'] === 'string' ? params['scope'].split(' ') : [];
  const items = scopes.filter((scope) => scope in meanings).map((scope) => html`<li>${meanings[scope]}</li>`);
  const credentials = html`<label
      >Name <input name="name" value="ada" autocomplete="username" maxlength="64" autofocus
    /></label>
    <label>Password <input name="password" type="password" autocomplete="current-password" /></label>`;
  show(
    ctx,
    known === undefined ? 'Sign in' : `Hello, ${known}`,
    html`<p>The <strong>Tokenward reference app</strong> would like to</p>
      <ul>
        ${items}
      </ul>
      <form method="post">
        ${known === undefined ? credentials : ''}
        ${fault === undefined ? '' : html`<p role="alert">${fault}</p>`}
        <button>${known === undefined ? 'Sign in and allow' : 'Allow'}</button>
        <button class="quiet" name="cancel" value="yes">Cancel</button>
      </form>
      <p class="note">
        This provider runs on your own machine and forgets everything when it stops. Any name and any password
        will do.
      </p>`,
  );
}

export function logoutPage(ctx: KoaContextWithOIDC, form: string): void {
  show(
    ctx,
    'Sign out here, too?',
    html`<p>The app has ended your session and revoked its tokens. The provider still knows you.</p>
      ${new Html(form)}
      <button form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
      <button class="quiet" form="op.logoutForm">Stay signed in here</button>`,
  );
}

export function loggedOutPage(ctx: KoaContextWithOIDC): void {
  show(ctx, 'Signed out', html`<p>You can close this page.</p>`);
}

export function errorPage(
  ctx: KoaContextWithOIDC,
  { error, error_description: description }: ErrorOut,
): void {
  show(ctx, 'That did not work', html`<p>${description ?? error}</p>`);
}
