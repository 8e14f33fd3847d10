export type ServerKind = 'postgres' | 'mariadb';

/** How a test reaches a database server; plain data, because it travels between processes. */
export interface ServerAddress {
  host: string;
  port: number;
  username: string;
  password: string;
}

export interface ServerOptions {
  /** What was committed survives a crash of the server, though not of the machine. */
  durable: boolean;
  /** Of MariaDB: with a binary log, which another server can follow; each has a number of its own. */
  serverId?: number;
}

export interface DatabaseServer {
  address: ServerAddress;
  stop(): Promise<void>;
}

export interface CrashingServer extends DatabaseServer {
  /** Ends it at once, without a word to its clients. */
  crash(): Promise<void>;
  /** Starts it again on what is on disk, at the same address. */
  restart(): Promise<void>;
}
