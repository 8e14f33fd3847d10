/* The sealed bytes, as the database holds them. */
const SECRETS = ['accessToken', 'refreshToken', 'idToken'];
/** `tm1.`, four bytes of format, sixteen of key id: the same in every record under one key. */
const HEAD_CHARACTERS = 30;

export function paintSealed(of, encrypted) {
  for (const name of SECRETS) paintOne(of[name], of[`${name}Size`], encrypted?.[name] ?? null);
}

function paintOne(element, size, text) {
  const shown = text ?? 'nothing';
  if (element.textContent === shown) return;
  const known = element.textContent !== '';
  size.textContent = text === null ? '' : `${text.length} characters`;
  const head = document.createElement('span');
  head.className = 'head';
  head.textContent = shown.slice(0, HEAD_CHARACTERS);
  element.replaceChildren(head, shown.slice(HEAD_CHARACTERS));
  element.classList.remove('changed');
  if (known) requestAnimationFrame(() => element.classList.add('changed'));
}
