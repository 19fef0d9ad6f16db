// Preloaded into a process whose clock is wrong by CLOCK_SKEW_MS.
const skewMs = Number(process.env['CLOCK_SKEW_MS'])
const RealDate = Date
const now = (): number => RealDate.now() + skewMs

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, key, receiver) => (key === 'now' ? now : (Reflect.get(target, key, receiver) as unknown)),
})
