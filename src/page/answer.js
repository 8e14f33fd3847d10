/* A call to an API through the app, and its answer as it comes. */
import { Problem } from './app.js';
import { client } from './client.js';
import { explain } from './explain.js';
import { make } from './elements.js';

/** What the page shows of an answer at most. */
const MOST_CHARACTERS = 20_000;

/** A refusal of the app itself; what an API refuses is its answer. */
async function refusalIn(response) {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return null;
  const body = await response.clone().json();
  return String(body.type).startsWith('urn:tokenward:') ? new Problem(response, body) : null;
}

/** @returns the status of the API's answer; what came of it is shown in `place` while it comes */
export async function call(address, place) {
  place.hidden = false;
  place.replaceChildren(make('p', { textContent: 'Waiting for the API …' }));
  const response = await client.fetch(address);
  const refusal = await refusalIn(response);
  if (refusal) throw refusal;
  const text = make('pre');
  place.className = 'answer';
  place.replaceChildren(make('p', { textContent: `The API answered ${response.status}.` }), text);
  if (response.body) await show(response.body, text);
  return response.status;
}

async function show(body, element) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    element.append(value);
    if (element.textContent.length <= MOST_CHARACTERS) continue;
    element.append(' … and so on');
    return void reader.cancel();
  }
}

/** In the place of an answer: why there is none, and the way on. */
export function showRefusal(error, place) {
  const { text, login, mood } = explain(error);
  place.hidden = false;
  place.className = `answer refused ${mood}`;
  place.replaceChildren(make('p', { textContent: text }));
  if (login) place.append(make('a', { href: login, textContent: 'Log in again' }));
}
