import { expect, it } from 'vitest';
import { html } from './html.js';

it('escapes values, in text and in attributes', () => {
  const value = `<script>"'&`;
  expect(String(html`<p title="${value}">${value}</p>`)).toBe(
    '<p title="&lt;script&gt;&quot;&#39;&amp;">&lt;script&gt;&quot;&#39;&amp;</p>',
  );
});

it('leaves alone what it has made, also in lists', () => {
  const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`);
  expect(String(html`${items}`)).toBe('<li>a</li><li>&lt;b&gt;</li>');
});

it('shows nothing for nothing', () => {
  expect(String(html`<p>${undefined}${null}</p>`)).toBe('<p></p>');
});
