import type { Configuration } from 'oidc-provider';

/** A provider that knows where browsers find the application, and tells it when a user logs out at the provider. */
export const knowApplication = (
  configuration: Configuration,
  clientId: string,
  origin: string,
): Configuration => ({
  ...configuration,
  clients: configuration.clients!.map((client) =>
    client.client_id === clientId
      ? {
          ...client,
          // At `localhost` the port of a native application is free (RFC 8252 §7.3); elsewhere each address is named.
          application_type: origin.startsWith('https:') ? 'web' : 'native',
          redirect_uris: [`${origin}/auth/callback/test`],
          post_logout_redirect_uris: [`${origin}/`],
          // The provider knows neither the names nor the certificates that the browser of the tests takes.
          ...(origin.startsWith('http:') && {
            backchannel_logout_uri: `${origin}/auth/backchannel-logout/test`,
            backchannel_logout_session_required: true,
          }),
        }
      : client,
  ),
  // Its own refuses addresses of the machine that it runs on.
  fetch: (url, init) => fetch(url, { ...init, dispatcher: undefined }),
  features: { ...configuration.features, backchannelLogout: { enabled: true } },
});
