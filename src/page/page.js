/*
 * Shows what the app knows of the user's tokens. It asks once a second, which reads the database and refreshes
 * nothing, and paints in between. No token value ever comes here: only times, counts and sealed bytes.
 */
import { ask, byId, Problem } from './app.js';

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** The server's time minus ours, in milliseconds. */
let clockOffset = 0;
let user = null;
/** While the user logs out, the end of the session is no surprise, and the page is about to go elsewhere. */
let leaving = false;
/** The provider has ended what the session hangs on: the user has been told to log in again. */
let wantsLogIn = false;
/** By name: label, note and sample call of each provider. */
let providers = {};
/** By provider: the elements of a connection, what was last known of it, and what the user is doing with it. */
const views = new Map();

// The log

function log(text, kind = '', detail = null) {
  const entry = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = clock.format(Date.now() + clockOffset);
  entry.className = kind;
  entry.append(time, text);
  if (detail) {
    const code = document.createElement('code');
    code.textContent = JSON.stringify(detail);
    entry.append(code);
  }
  byId('log').prepend(entry);
  while (byId('log').children.length > 100) byId('log').lastChild.remove();
}

// What a connection looks like

const labelOf = (provider) => providers[provider]?.label ?? provider;
const capitalized = (text) => text[0].toUpperCase() + text.slice(1);
const seconds = (milliseconds) => Math.max(0, Math.ceil(milliseconds / 1000));
const inWords = (count) => (count < 120 ? `${count} s` : `${Math.round(count / 60)} min`);

/** Amount and unit; seconds while a person would count them. */
function timeLeft(count) {
  if (count < 1000) return [count, count === 1 ? 'second left' : 'seconds left'];
  return count < 100 * 3600
    ? [Math.floor(count / 60), 'minutes left']
    : [Math.floor(count / 86_400), 'days left'];
}

/** What a person should know about the state of a connection, and how worried to be. */
function describe({ status, lastFailure, expiresAt, hasRefreshToken }, now) {
  const expired = expiresAt !== null && Date.parse(expiresAt) <= now;
  if (status === 'reauthorization_required') {
    const notice = 'The provider no longer accepts this connection. Log in again, and everything goes on.';
    return { mood: 'dead', word: 'Log-in needed', notice };
  }
  if (status === 'revoked') return { mood: 'dead', word: 'Disconnected', notice: null };
  if (lastFailure !== null) {
    const rest = expired
      ? 'Calls fail until it does; nothing is lost.'
      : 'The token in hand is still good, so calls go on as before.';
    return {
      mood: 'waiting',
      word: 'Provider does not answer',
      notice: `The last refresh did not work. Tokenward keeps trying. ${rest}`,
    };
  }
  if (!expired) return { mood: '', word: 'Active', notice: null };
  return hasRefreshToken
    ? { mood: 'waiting', word: 'Expired, refresh due', notice: null }
    : {
        mood: 'dead',
        word: 'Expired',
        notice: 'The provider gave no refresh token, so only a new log-in helps.',
      };
}

function paint(view) {
  const { connection, of, root } = view;
  const now = Date.now() + clockOffset;
  const issued = Date.parse(connection.refreshedAt);
  const expires = connection.expiresAt === null ? null : Date.parse(connection.expiresAt);
  const due = connection.refreshAfter === null ? expires : Date.parse(connection.refreshAfter);
  const { mood, word, notice } = describe(connection, now);
  const alive = connection.status === 'active';
  const counts = alive && expires !== null;

  root.className = `connection ${mood}`;
  of.status.textContent = word;
  of.notice.textContent = notice ?? '';
  of.notice.hidden = notice === null;
  of.notice.classList.toggle('bad', mood === 'dead');
  const [amount, unit] = counts ? timeLeft(seconds(expires - now)) : [alive ? 'No expiry' : 'No token', ''];
  of.seconds.textContent = amount;
  of.seconds.classList.toggle('word', !counts);
  of.unit.textContent = unit;
  const part = (instant) => Math.min(1, Math.max(0, (instant - issued) / (expires - issued)));
  root.style.setProperty('--lived', counts ? part(now) : 0);
  root.style.setProperty('--due', counts ? part(due) : 1);
  of.life.hidden = of.scale.hidden = !counts;
  of.due.hidden = !counts || part(due) > 0.85 || part(due) < 0.15;
  of.life.setAttribute('aria-valuemax', counts ? seconds(expires - issued) : 0);
  of.life.setAttribute('aria-valuenow', counts ? seconds(expires - now) : 0);
  of.refreshes.textContent = connection.refreshes;
  of.last.textContent =
    connection.refreshes === 0 ? 'not yet' : `${inWords(Math.max(0, Math.floor((now - issued) / 1000)))} ago`;
  of.next.textContent =
    !alive || due === null ? 'none' : due <= now ? 'any moment' : `in ${inWords(seconds(due - now))}`;
  of.reconnect.hidden = mood !== 'dead';
  of.refresh.hidden = !alive;
  of.call.hidden = of.burst.hidden = !alive || !providers[connection.provider]?.sample;
  of.guarded.hidden = !alive || connection.provider !== 'local';
  of.disconnect.hidden = !alive || connection.provider === user.provider;
}

/** The sealed bytes, their constant start told apart: `tm1.`, four bytes of format, sixteen of key id. */
function paintSealed(of, name, text) {
  const element = of[name];
  const shown = text ?? 'nothing';
  if (element.textContent === shown) return;
  of[`${name}Size`].textContent = !text ? '' : `${text.length} characters`;
  const known = element.textContent !== '';
  const head = document.createElement('span');
  head.className = 'head';
  head.textContent = shown.slice(0, 30);
  element.replaceChildren(head, shown.slice(30));
  element.classList.remove('changed');
  if (known) requestAnimationFrame(() => element.classList.add('changed'));
}

// What the user can do

async function act(view, button, work) {
  if (button.ariaDisabled === 'true') return;
  view.busy += 1;
  // Not `disabled`, which would take the focus from whoever uses the keyboard.
  button.ariaDisabled = 'true';
  try {
    await work();
  } catch (error) {
    explain(error);
  } finally {
    await look().catch(() => undefined);
    view.busy -= 1;
    button.ariaDisabled = 'false';
  }
}

function explain(error) {
  if (!(error instanceof Problem)) return log('The app does not answer.', 'dead');
  if (error.code === 'PROVIDER_UNAVAILABLE')
    return log('The provider does not answer right now. Nothing is lost; try again soon.', 'waiting');
  if (error.code === 'REAUTHORIZATION_REQUIRED') {
    wantsLogIn = true;
    return log('The provider wants to see you again: please log in.', 'dead');
  }
  return log(error.message, 'dead');
}

function addView(provider) {
  const root = byId('connection').content.cloneNode(true).firstElementChild;
  const of = Object.fromEntries(
    [...root.querySelectorAll('[data-of]')].map((element) => [element.dataset.of, element]),
  );
  const view = { root, of, busy: 0, connection: null };
  const on = (button, work) => button.addEventListener('click', () => act(view, button, work));
  of.label.textContent = capitalized(labelOf(provider));
  of.reconnect.href = `/auth/login/${provider}`;

  on(of.call, async () => {
    const { status, body } = await ask(`/api/${provider}${providers[provider].sample}`);
    log(`The API answered ${status}.`, 'mine', body);
  });
  on(of.burst, async () => {
    const { body } = await ask(`/connections/${provider}/burst`, 'POST');
    const exchanges = body.exchanges === 1 ? '1 exchange' : `${body.exchanges} exchanges`;
    log(
      `${body.calls} calls at once: ${body.ok} answered OK, ${exchanges} with the provider.`,
      body.ok === body.calls ? 'mine' : 'dead',
    );
  });
  on(of.refresh, async () => {
    await ask(`/connections/${provider}/refresh`, 'POST');
    log('Refreshed because you asked.', 'mine');
  });
  on(of.guarded, async () =>
    log('The guarded route was handed this token:', 'mine', (await ask('/guarded')).body),
  );
  on(of.disconnect, async () => {
    await ask(`/connections/${provider}`, 'DELETE');
    log(`Disconnected from ${labelOf(provider)}.`, 'mine');
  });
  byId('connections').append(root);
  views.set(provider, view);
  return view;
}

// Looking

function show(connection) {
  const view = views.get(connection.provider) ?? addView(connection.provider);
  const before = view.connection;
  view.connection = connection;
  for (const name of ['accessToken', 'refreshToken', 'idToken'])
    paintSealed(view.of, name, connection.encrypted?.[name]);
  paint(view);
  if (!before) return log(`Connected to ${labelOf(connection.provider)}.`);
  if (connection.refreshes > before.refreshes && view.busy === 0) log('Refreshed in the background.');
  if (connection.lastFailure !== before.lastFailure) {
    if (connection.lastFailure === null) log('The provider answers again.');
    else if (connection.status === 'active') log('The provider did not answer a refresh.', 'waiting');
  }
  if (connection.status !== before.status)
    log(`Now: ${describe(connection, Date.now()).word}.`, connection.status === 'active' ? '' : 'dead');
}

async function look() {
  const { body } = await ask('/connections');
  clockOffset = Date.parse(body.now) - Date.now();
  for (const connection of body.connections) show(connection);
}

/** What is on the page stays there, with the way to go on. */
function showEnd() {
  for (const view of views.values()) {
    view.connection = { ...view.connection, status: 'reauthorization_required' };
    paint(view);
  }
}

async function keepLooking() {
  try {
    if (!document.hidden && !leaving) await look();
    byId('offline').hidden = true;
  } catch (error) {
    if (error.status === 401 && wantsLogIn) return showEnd();
    // The session has ended elsewhere: it has expired, or the user has logged out in another tab.
    if (error.status === 401 && !leaving) return location.reload();
    byId('offline').hidden = leaving;
  }
  setTimeout(keepLooking, 1000);
}

async function logOut() {
  if (leaving) return;
  leaving = true;
  byId('logout').ariaDisabled = 'true';
  try {
    const { body } = await ask('/auth/logout', 'POST');
    location.assign(body.endSessionUrl ?? '/');
  } catch (error) {
    explain(error);
    leaving = false;
    byId('logout').ariaDisabled = 'false';
  }
}

const { body: offer } = await ask('/providers');
user = offer.loggedIn ? (await ask('/auth/session')).body.user : null;
providers = Object.fromEntries(offer.providers.map((provider) => [provider.name, provider]));

if (offer.operatorPage !== null) {
  byId('operator').querySelector('a').href = offer.operatorPage;
  byId('operator').hidden = false;
}
if (user) {
  byId('user').textContent = user.name;
  byId('who').hidden = byId('logged-in').hidden = false;
  byId('logout').addEventListener('click', () => void logOut());
  setInterval(() => views.forEach((view) => paint(view)), 200);
  await keepLooking();
} else {
  for (const { name, label } of offer.providers) {
    const link = document.createElement('a');
    Object.assign(link, {
      className: 'button',
      href: `/auth/login/${name}`,
      textContent: `Log in with ${label}`,
    });
    byId('logins').append(link);
  }
  byId('logins-note').textContent = offer.providers.map(({ note }) => note ?? '').join(' ');
  byId('logged-out').hidden = false;
}
