/* What the user can do with a connection. */
import { call, showRefusal } from './answer.js';
import { byId } from './app.js';
import { ask } from './client.js';
import { offerDemo } from './demo.js';
import { explain } from './explain.js';
import { during } from './elements.js';
import { endsBecause } from './end.js';
import { log } from './log.js';
import { confirm } from './question.js';
import { counted } from './words.js';

/** Puts the buttons of a connection to work. `look`: is to be called after each. */
export function putToWork(view, look) {
  const { of, about, isLogin } = view;
  const on = (button, work) =>
    button.addEventListener('click', () =>
      during(button, async () => {
        view.busy += 1;
        await work().catch((error) => refuse(error, button, view));
        await look().catch(() => undefined);
        view.busy -= 1;
      }).then(() => keepFocus(button, view)),
    );
  const said = (text, kind = 'mine') => log(text, { kind, about });

  on(of.call, async () => {
    const status = await call(`/api/${view.provider}${of.path.value}`, of.answer);
    said(`The API answered ${status}.`);
  });
  on(of.burst, async () => {
    const { body } = await ask(`/connections/${view.provider}/burst`, 'POST');
    const exchanges = counted(body.exchanges, 'exchange');
    said(
      `${body.calls} calls at once: ${body.ok} answered OK, ${exchanges} with the provider.`,
      body.ok === body.calls ? 'mine' : 'dead',
    );
  });
  on(of.refresh, async () => {
    await ask(`/connections/${view.provider}/refresh${view.query}`, 'POST');
    said('Refreshed because you asked.');
  });
  on(of.guarded, async () => {
    const { body } = await ask('/guarded');
    said(`The guarded route was handed a token: ${body.tokenType}, for “${body.scope}”.`);
  });
  on(of.disconnect, async () => {
    if (!(await confirm(disconnecting(about, isLogin)))) return;
    await ask(`/connections/${view.provider}${view.query}`, 'DELETE');
    said(`Disconnected from ${about}.`);
  });
  offerDemo(view, on, said);
}

function refuse(error, button, { of, about, isLogin }) {
  const { text, mood } = explain(error);
  // The session hangs on what the user has logged in with.
  if (isLogin && error.code === 'REAUTHORIZATION_REQUIRED') endsBecause('provider');
  if (button === of.call || error.login) showRefusal(error, of.answer);
  log(text, { kind: mood, about });
}

/** A button that has gone hands the focus on to what stands there now, unless the user has moved on. */
function keepFocus(button, { of }) {
  if (![button, document.body].includes(document.activeElement)) return;
  if (!button.isConnected) byId('connections-title').focus();
  else if (button.hidden || button.closest('[hidden]')) of.reconnect.focus();
}

const disconnecting = (about, isLogin) => ({
  title: `Disconnect ${about}?`,
  lines: [
    'Its tokens are revoked at the provider and erased here. You can connect again whenever you like.',
    ...(isLogin ? ['You have logged in with it, so this logs you out as well, on all your devices.'] : []),
  ],
  button: 'Disconnect',
  bad: true,
});
