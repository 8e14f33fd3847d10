export type ServerKind = 'postgres' | 'mariadb';

/** How a test reaches a database server; plain data, because it travels between processes. */
export interface ServerAddress {
  host: string;
  port: number;
  username: string;
  password: string;
}

export interface DatabaseServer {
  address: ServerAddress;
  stop(): Promise<void>;
}
