/**
 * Whether a call is on the list. Entries are like `GET /me`; one whose path ends in `/*` allows everything below it.
 * `path` is the part of a URL that comes before `?`, as a URL parser gives it: without `.` and `..` segments.
 */
export function isListed(list: readonly string[], method: string, path: string): boolean {
  // An encoded slash or dot may be one to the API that is called, and then leads elsewhere.
  if (/%2f|%5c|%2e|\\/i.test(path)) return false;
  return list.some((entry) => {
    const [listedMethod, listedPath = ''] = entry.split(' ');
    if (listedMethod !== method) return false;
    return listedPath.endsWith('/*') ? path.startsWith(listedPath.slice(0, -1)) : path === listedPath;
  });
}
