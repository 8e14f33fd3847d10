/** Whether a call is on the list. Entries are like `GET /me`; one whose path ends in `/*` allows everything below it. */
export function isListed(list: readonly string[], method: string, path: string): boolean {
  return list.some((entry) => {
    const [listedMethod, listedPath = ''] = entry.split(' ');
    if (listedMethod !== method) return false;
    return listedPath.endsWith('/*') ? path.startsWith(listedPath.slice(0, -1)) : path === listedPath;
  });
}
