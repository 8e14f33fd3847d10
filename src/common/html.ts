const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Markup that is already safe: what {@link html} made. */
export class Html {
  constructor(private readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

type Value = Html | readonly Html[] | string | number | null | undefined;

function part(value: Value): string {
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object' && value !== null) return value.map(part).join('');
  return (value ?? '').toString().replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** A template tag whose values are escaped, so that no page can forget to. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(part)));
}
