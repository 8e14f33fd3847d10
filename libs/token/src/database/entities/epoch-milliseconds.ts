/** Column of an instant. Drivers hand out 64-bit integers as strings; epoch milliseconds fit a number. */
export const epochMilliseconds = {
  type: 'bigint',
  transformer: {
    to: (value: unknown) => value,
    from: (value: unknown) => (value === null ? null : Number(value)),
  },
} as const;
