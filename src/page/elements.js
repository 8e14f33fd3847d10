/* Elements that change without losing the focus of whoever uses them. */

export function setText(element, value) {
  const text = String(value);
  if (element.textContent !== text) element.textContent = text;
}

export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** A copy of a template, and by name what is marked in it with `data-of`. */
export function copyOf(template) {
  const root = template.content.cloneNode(true).firstElementChild;
  const marked = [...root.querySelectorAll('[data-of]')];
  return { root, of: Object.fromEntries(marked.map((element) => [element.dataset.of, element])) };
}

/** Shows these children, after the first `from`, and touches only what has changed, so that the focus stays where it is. */
export function arrange(parent, wanted, from = 0) {
  for (const child of [...parent.children].slice(from)) if (!wanted.includes(child)) child.remove();
  for (const [index, child] of wanted.entries()) {
    const here = parent.children[index + from];
    if (here === child) continue;
    const focused = child.contains(document.activeElement) ? document.activeElement : null;
    parent.insertBefore(child, here ?? null);
    focused?.focus();
  }
}

/** While `work` is done its button does nothing. Not `disabled`, which would take the focus from whoever uses the keyboard. */
export async function during(button, work) {
  if (button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true';
  try {
    await work();
  } finally {
    button.ariaDisabled = 'false';
  }
}
