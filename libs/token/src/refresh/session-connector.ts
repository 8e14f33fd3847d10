/** What a connection tells the replica that it stands for. */
export interface SessionListener {
  /** A row was changed, by whichever replica; null: any row may have been. */
  changed(rowId: string | null): void;
  /** The connection is gone, and with it the lock. Called once at most. */
  lost(): void;
}

/** A database connection that holds this replica's lock for as long as it stands. */
export interface SessionConnection {
  /** The server that holds the lock, as `SessionConnector.look` names it. */
  readonly server: string;
  /** Whether `SessionListener.changed` is called. */
  readonly hears: boolean;
  /** Resolves while the server answers and holds the lock; whatever it had to tell before was told by then. @throws */
  ping(): Promise<void>;
  /** Frees the lock, if it is still there. Never fails. */
  close(): Promise<void>;
}

/** Who holds a lock, as one server sees it at one moment. */
export interface Look {
  free: boolean;
  /** Names the server and its start: a lock that is free on another one, or since a restart, says nothing. */
  server: string;
}

/** Between this process and its database the locks of a session mean nothing; `message` says why, for operators. */
export class SessionUnsuitableError extends Error {}

/** Port: database connections of their own, and the locks that live and die with them. */
export abstract class SessionConnector {
  /** False where the database has no such locks. */
  abstract readonly available: boolean;
  /**
   * A connection that has been tried out and holds the lock of this replica; an older connection of the same replica
   * loses it without a gap. @throws SessionUnsuitableError, or what the driver does
   */
  abstract open(replicaId: string, listener: SessionListener): Promise<SessionConnection>;
  abstract look(replicaId: string): Promise<Look>;
  /** Whether two names of a server mean the same start of the same server. */
  abstract isSame(one: string, other: string): boolean;
}
