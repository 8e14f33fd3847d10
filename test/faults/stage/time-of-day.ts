const RealDate = globalThis.Date;

/** Makes this process believe in another time of day and another time zone than the machine's. */
export function setTimeOfDay(aheadMs = 0, timeZone?: string): void {
  if (timeZone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = timeZone;
  if (aheadMs === 0) {
    globalThis.Date = RealDate;
    return;
  }
  const now = (): number => RealDate.now() + aheadMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (date, args, target) =>
      Reflect.construct(date, args.length === 0 ? [now()] : args, target) as object,
    apply: () => new RealDate(now()).toString(),
    get: (date, name) => (name === 'now' ? now : (Reflect.get(date, name) as unknown)),
  });
}
