/** Reads the client's half of one connection to a database, and hands on the text of each statement that is executed. */
export type Listener = (chunk: Buffer) => void;
