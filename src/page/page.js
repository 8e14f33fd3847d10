/*
 * Shows what the app knows of the user's tokens and sessions. It asks once a second, which reads the database and
 * refreshes nothing, and paints in between. No token value ever comes here: only times, counts and sealed bytes.
 */
import { ask, byId } from './app.js';
import { client } from './client.js';
import { look, prepareConnections, repaint } from './connections.js';
import { askForOutages } from './demo.js';
import { during } from './elements.js';
import { endsBecause, offerLogIns, showEnd, waitForLogIn } from './end.js';
import { explain } from './explain.js';
import { log } from './log.js';
import { lookAtSessions } from './sessions.js';
import { serverNow } from './words.js';

const LOOK_MS = 1000;
const PAINT_MS = 200;
/** Sessions change less often than tokens. */
const LOOKS_PER_SESSIONS = 5;

const offline =
  'You are offline. What you see below is from before; this page goes on when the network is back.';
const silent =
  'The app does not answer. What you see below is what it said last; this page tries again every second.';

let session = null;
/** While the user logs out, refusals are no surprise, and the page is about to go elsewhere. */
let leaving = false;
let over = false;
/** Offers a new log-in. */
let backIn = () => {};
let looks = 0;

async function keepLooking() {
  if (over) return;
  try {
    if (!document.hidden && !leaving) {
      await look();
      if (looks++ % LOOKS_PER_SESSIONS === 0) await lookAtSessions();
    }
    byId('offline').hidden = true;
  } catch (error) {
    // The client asks what a 401 means, and tells when the session is over.
    byId('offline').hidden = leaving || over || error.status === 401;
    byId('offline').textContent = navigator.onLine ? silent : offline;
  }
  setTimeout(keepLooking, LOOK_MS);
}

async function logOut() {
  leaving = true;
  try {
    const { endSessionUrl } = await client.logout();
    location.assign(endSessionUrl ?? '/');
  } catch (error) {
    leaving = false;
    if (over) backIn();
    else log(explain(error).text, { kind: 'dead' });
  }
}

function onEnd(reason, offer) {
  if (over) return;
  over = true;
  // Before the app has answered, too: nothing may stay on the screen while it takes its time.
  if (leaving) endsBecause('here');
  const isExpired = reason === 'ended' && Date.parse(session.expiresAt) <= serverNow();
  showEnd(isExpired ? 'expired' : reason);
  backIn = () => {
    offerLogIns(byId('ended-logins'), offer.providers);
    waitForLogIn();
  };
  // The answer to the log-out would end a new log-in as well.
  if (!leaving) backIn();
}

async function showConnections(offer) {
  session = await client.getSession();
  if (session === null) return location.reload();
  client.onSessionEnd(({ reason }) => onEnd(reason, offer));
  const { user } = session;
  prepareConnections({ ...offer, user });
  if (offer.demo) await askForOutages();
  byId('user').textContent = user.name;
  byId('who').hidden = byId('logged-in').hidden = false;
  byId('logout').addEventListener('click', () => void during(byId('logout'), logOut));
  setInterval(repaint, PAINT_MS);
  await keepLooking();
}

const { body: offer } = await ask('/providers');
if (offer.operatorPage !== null) {
  byId('operator').querySelector('a').href = offer.operatorPage;
  byId('operator').hidden = false;
}
// A page that the browser has kept is not shown again: it asks anew who is there.
addEventListener('pagehide', () => (byId('logged-in').hidden = true));
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
if (offer.loggedIn) await showConnections(offer);
else {
  offerLogIns(byId('logins'), offer.providers);
  byId('logins-note').textContent = offer.providers.map(({ note }) => note ?? '').join(' ');
  byId('logged-out').hidden = false;
  waitForLogIn();
}
