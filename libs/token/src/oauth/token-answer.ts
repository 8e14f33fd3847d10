import type { ProviderProfile } from './provider.profile.js';

export type AnswerFormat = Pick<ProviderProfile, 'formEncodedAnswers'>;
export type AnswerShape = Pick<ProviderProfile, 'nestedIn' | 'scopeDelimiter' | 'bearerTokenTypes'>;
type Json = Record<string, unknown>;

const FORM = /^application\/x-www-form-urlencoded\b/i;

function parseJson(body: string): Json | null {
  try {
    return asObject(JSON.parse(body));
  } catch {
    return null;
  }
}

function asObject(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function parseForm(body: string): Json | null {
  const form = new URLSearchParams(body.trim());
  return form.has('access_token') || form.has('error') ? Object.fromEntries(form) : null;
}

/** The fields of an answer in JSON, whatever its content type, or in a form (GitHub, where JSON is not asked for); null for anything else. */
export function readFields(
  { body, contentType }: { body: string; contentType: string },
  { formEncodedAnswers }: AnswerFormat,
): Json | null {
  return parseJson(body) ?? (formEncodedAnswers || FORM.test(contentType) ? parseForm(body) : null);
}

/** A token response in the form of RFC 6749 §5.1. */
export function standardShape<T>(response: T, shape: AnswerShape): T {
  const json = asObject(response);
  if (!json) return response;
  const nested = shape.nestedIn === undefined ? null : asObject(json[shape.nestedIn]);
  const found: Json = { ...(nested && typeof nested['access_token'] === 'string' ? nested : json) };
  const { scope, token_type: type } = found;
  if (shape.scopeDelimiter && typeof scope === 'string')
    found['scope'] = scope.split(shape.scopeDelimiter).join(' ');
  if (typeof type === 'string' && shape.bearerTokenTypes?.includes(type)) found['token_type'] = 'Bearer';
  return found as T;
}
