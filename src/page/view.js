/* The elements of a connection, made for what this one can do. */
import { byId } from './app.js';
import { copyOf, make } from './elements.js';
import { capitalized } from './words.js';

/** Where there is room, everything is unfolded. */
const isWide = matchMedia('(min-width: 60rem)');

/** How many were made, for ids. */
let made = 0;

/** `offer`: the providers on offer, the user, and whether providers can be made to fail. */
export function makeView({ provider, account }, offer) {
  // Logging in and calling the API is for the account of this name.
  const isDefault = account === 'default';
  const offered = offer.providers.find(({ name }) => name === provider);
  const about = (offered?.label ?? provider) + (isDefault ? '' : ` (${account})`);
  const isLogin = offer.user.provider === provider && isDefault;
  const query = isDefault ? '' : `?account=${encodeURIComponent(account)}`;
  const { root, of } = copyOf(byId('connection'));

  Object.assign(root.dataset, { provider, account });
  of.label.id = `connection-${(made += 1)}`;
  root.setAttribute('aria-labelledby', of.label.id);
  of.label.textContent = capitalized(about);
  of.answer.ariaLabel = `What the API of ${about} answered`;
  of.path.append(...(offered?.calls ?? []).map((path) => make('option', { textContent: path })));
  of.reconnect.href = `/auth/${isLogin ? 'login' : 'connect'}/${provider}${query}`;
  of.sealed.open = isWide.matches;

  const leaveOut = (...names) => names.forEach((name) => (of[name].dataset.without = ''));
  if (!isDefault || !offered?.sample) leaveOut('call', 'burst');
  if (!isDefault || !offer.demo) leaveOut('demo');
  if (provider !== 'local' || !offer.demo) leaveOut('guarded');
  return { root, of, provider, about, isLogin, query, busy: 0, connection: null };
}

/** The card that offers to connect a provider. */
export function makeOffer({ name, label }) {
  const { root, of } = copyOf(byId('unconnected'));
  of.label.textContent = capitalized(label);
  of.connect.href = `/auth/connect/${name}`;
  of.connect.textContent = `Connect ${label}`;
  return root;
}
