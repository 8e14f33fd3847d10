/* Nobody is logged in, any more or yet: what is said then, and the way back in. */
import { byId } from './app.js';
import { make } from './elements.js';

/** Links that log in, one for each provider. */
export function offerLogIns(place, providers) {
  const links = providers.map(({ name, label }, index) =>
    make('a', {
      className: index === 0 ? 'button' : 'button quiet',
      href: `/auth/login/${name}`,
      textContent: `Log in with ${label}`,
    }),
  );
  place.replaceChildren(...links);
}

const reasons = {
  here: 'You have logged out.',
  logout: 'You have logged out in another tab of this browser.',
  expired: 'The time of this session was up. Log in again, and everything is as before.',
  provider: 'The provider no longer accepts your log-in. Log in again, and everything is as before.',
  ended:
    'This session was ended: in another tab, on another of your devices, at the provider, or because its time was up.',
};

/** What is known better than by the end alone. */
let known = null;

export function endsBecause(reason) {
  known = reason;
  byId('ended-why').textContent = reasons[reason];
}

/** Shows that the session is over. Nothing of what was shown before stays on the page. */
export function showEnd(reason) {
  for (const id of ['user', 'connections', 'devices', 'log', 'said']) byId(id).replaceChildren();
  byId('question').close();
  byId('who').hidden = byId('logged-in').hidden = byId('offline').hidden = true;
  byId('ended-why').textContent = reasons[known ?? reason];
  byId('ended').hidden = false;
  document.title = 'Logged out · Tokenward';
  byId('ended-title').focus();
}

/** Somebody may log in in another tab meanwhile. */
export const waitForLogIn = () => document.addEventListener('visibilitychange', () => void lookWhoIsThere());

async function lookWhoIsThere() {
  if (document.hidden) return;
  const answer = await fetch('/providers').catch(() => null);
  if (answer?.ok && (await answer.json()).loggedIn) location.reload();
}
