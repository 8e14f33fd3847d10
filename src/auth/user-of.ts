import type { UserOf } from '@tokenward/nestjs/authorization';

/**
 * The first provider that a browser logs in with says who the user is. Logging in with another one while logged in
 * connects that one to the same user.
 */
export const userOf: UserOf = ({ provider, subject, claims }, current) => {
  if (current && current.login?.provider !== provider) return current;
  if (subject === null) return null;
  const names = [claims?.['name'], claims?.['preferred_username'], claims?.['email']];
  const name = names.find((candidate) => typeof candidate === 'string') ?? subject;
  return { userId: `${provider}:${subject}`, attributes: { name } };
};
