import type { Clock } from '../common/clock.js';
import { type Look, type SessionConnection, SessionConnector } from '../refresh/session-connector.js';
import type { Database } from './database.js';
import { MysqlSessions } from './mysql-sessions.js';
import { PostgresSessions } from './postgres-sessions.js';

/** SQLite: one process, and no connection that another one could see. */
class NoSessions extends SessionConnector {
  override readonly available = false;

  override open(): Promise<SessionConnection> {
    throw new Error('this database has no session locks');
  }

  /** Of a claim that came here with a copy of another database nothing is known. */
  override async look(): Promise<Look> {
    return { free: true, server: 'none' };
  }

  override isSame(): boolean {
    return false;
  }
}

export function sessionsOf(database: Database, clock: Clock): SessionConnector {
  if (database.dialect === 'postgres') return new PostgresSessions(database, clock);
  return database.dialect === 'mysql' ? new MysqlSessions(database, clock) : new NoSessions();
}
