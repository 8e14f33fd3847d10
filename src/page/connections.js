/* The user's connections, side by side, and what could be connected as well. */
import { byId } from './app.js';
import { paint } from './card.js';
import { ask } from './client.js';
import { putToWork } from './deeds.js';
import { paintDemo } from './demo.js';
import { describe } from './describe.js';
import { arrange } from './elements.js';
import { log } from './log.js';
import { paintSealed } from './sealed.js';
import { makeOffer, makeView } from './view.js';
import { setServerTime } from './words.js';

/** By provider and account: the elements of a connection, what was last known of it, and what the user is doing with it. */
const views = new Map();
/** By provider: the card that offers to connect it. */
const cards = new Map();
let offer = { providers: [] };

const keyOf = ({ provider, account }) => `${provider} ${account}`;

export function prepareConnections(offered) {
  offer = offered;
  for (const provider of offer.providers) cards.set(provider.name, makeOffer(provider));
}

function viewOf(connection) {
  const key = keyOf(connection);
  if (!views.has(key)) {
    const view = makeView(connection, offer);
    putToWork(view, look);
    views.set(key, view);
  }
  return views.get(key);
}

function show(connection) {
  const view = viewOf(connection);
  const before = view.connection;
  view.connection = connection;
  paintSealed(view.of, connection.encrypted);
  paint(view);
  paintDemo(view);
  tellNews(view, before);
  return view.root;
}

function tellNews({ connection, busy, about }, before) {
  if (!before) return log(`Connected to ${about}.`, { about, quiet: true });
  if (connection.refreshes > before.refreshes && busy === 0)
    log('Refreshed in the background.', { about, quiet: true });
  if (connection.lastFailure !== before.lastFailure && connection.status === 'active') {
    if (connection.lastFailure === null) log('The provider answers again.', { about });
    else log('The provider did not give a new token.', { kind: 'waiting', about });
  }
  if (connection.status !== before.status) {
    const { word, mood } = describe(connection);
    log(`Now: ${word}.`, { kind: mood, about });
  }
}

/** Asks what is stored, which refreshes nothing, and shows it. */
export async function look() {
  const { body } = await ask('/connections');
  setServerTime(body.now);
  const stored = body.connections.filter(({ status }) => status !== 'revoked');
  const keys = new Set(stored.map(keyOf));
  for (const key of views.keys()) if (!keys.has(key)) views.delete(key);
  const missing = offer.providers.filter(({ name }) => !stored.some(({ provider }) => provider === name));
  arrange(byId('connections'), [...stored.map(show), ...missing.map(({ name }) => cards.get(name))]);
}

/** What changes by time alone. */
export function repaint() {
  for (const view of views.values()) {
    paint(view);
    paintDemo(view);
  }
}
