import { html } from '../common/html.js';

/** A page that says one thing, in the looks of the app. */
export function messagePage(title: string, text: string): string {
  return String(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Tokenward</title>
        <link rel="icon" href="/favicon.svg" />
        <link rel="stylesheet" href="/page.css" />
        <body class="message">
          <main>
            <h1>${title}</h1>
            <p>${text}</p>
            <p><a class="button" href="/">Back to the start</a></p>
          </main>
        </body>
      </html>`,
  );
}
