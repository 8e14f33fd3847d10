/** This machine's idea of the time in epoch milliseconds. For the test kit's server, which stands for another machine. */
export const wallClock = (): number => Date.now();
