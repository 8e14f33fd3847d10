/* Lets a provider that came along with the app do what others do by themselves. */
import { ask } from './client.js';
import { setText } from './elements.js';
import { serverNow, timeOfDay } from './words.js';

/** By provider: when it will answer again. */
let outages = {};

export async function askForOutages() {
  ({ outages } = (await ask('/demo')).body);
}

const endOf = (provider) => Date.parse(outages[provider] ?? 0);

export function paintDemo({ provider, of }) {
  const fails = endOf(provider) > serverNow();
  setText(of.outage, fails ? 'Let it answer again' : 'Let the provider fail for 45 s');
  setText(
    of.outageNote,
    fails
      ? `It fails until ${timeOfDay(endOf(provider))}. Watch what becomes of the token.`
      : 'It answers every request for a token with an error. Calls go on while the token lasts.',
  );
}

export function offerDemo(view, on, said) {
  const { provider, of } = view;
  on(of.outage, async () => {
    const fails = endOf(provider) > serverNow();
    ({ outages } = (await ask(`/demo/${provider}/outage`, fails ? 'DELETE' : 'POST')).body);
    said(
      fails ? 'The provider answers again, as you asked.' : 'The provider fails for a while, as you asked.',
    );
    paintDemo(view);
  });
  on(of.withdraw, async () => {
    await ask(`/demo/${provider}/withdraw`, 'POST');
    said('Your permission was withdrawn at the provider. The app will learn of it when it asks.');
  });
}
