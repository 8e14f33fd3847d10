/*
 * Everything that a page can send to another origin. Each function sends one request to `url` and resolves to what the
 * page has been able to notice of the answer.
 */
const happens = (target, ...events) =>
  new Promise((resolve) => {
    for (const event of events) target.addEventListener(event, () => resolve(event), { once: true });
  });

function put(name, properties, parent = document.body) {
  const element = Object.assign(document.createElement(name), properties);
  parent.append(element);
  return element;
}

/** What can be seen of another window or frame. */
function look(view) {
  const seen = [`closed: ${view.closed}`];
  for (const read of [() => view.location.href, () => view.document.body.innerText, () => view.name]) {
    try {
      seen.push(read());
    } catch (error) {
      seen.push(error.name);
    }
  }
  return seen;
}

let named = 0;

function frame(properties = {}) {
  named += 1;
  return put('iframe', { name: `frame-${named}`, ...properties });
}

async function submit(url, properties, fields = { confirm: 'default' }) {
  const into = frame();
  const form = put('form', { action: url, target: into.name, ...properties });
  for (const [name, value] of Object.entries(fields)) put('input', { name, value }, form);
  // The empty frame has been loaded by now.
  const loaded = happens(into, 'load');
  form.submit();
  await loaded;
  return look(into.contentWindow);
}

/** What came back of a `fetch`. */
async function fetched(url, options) {
  try {
    const response = await fetch(url, { credentials: 'include', ...options });
    const body = response.type === 'opaque' ? '' : await response.text();
    return `${response.type} ${response.status} ${body}`;
  } catch (error) {
    return error.name;
  }
}

function requested(url, method, headers = {}) {
  const request = new XMLHttpRequest();
  request.open(method, url);
  request.withCredentials = true;
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  const ended = happens(request, 'load', 'error');
  request.send(method === 'POST' ? 'confirm=default' : null);
  return ended.then((how) => [how, request.status, request.responseText]);
}

async function opened(open) {
  const view = open();
  // For who has opened it the window is closed, once an answer of the app has come into it (HTML, opener policies).
  while (!view.closed) await new Promise((resolve) => setTimeout(resolve, 50));
  return look(view);
}

const loads = (name, properties) => happens(put(name, properties), 'load', 'error', 'loadedmetadata');
const header = { 'x-tokenward-csrf': '1' };
const POST = { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ confirm: 'default' }) };
const onward = (url, status) => `/onward?status=${status}&to=${encodeURIComponent(url)}`;

const sends = {
  'a form': (url) => submit(url, { method: 'POST' }),
  'a form as text that looks like JSON': (url) =>
    submit(url, { method: 'POST', enctype: 'text/plain' }, { '{"confirm":"default","a":"': '"}' }),
  'a form with parts': (url) => submit(url, { method: 'POST', enctype: 'multipart/form-data' }),
  'a form that names another method': (url) => submit(url, { method: 'POST' }, { _method: 'DELETE' }),
  'a form into a new window': (url) =>
    opened(() => {
      named += 1;
      const form = put('form', { action: url, method: 'POST', target: `window-${named}` });
      const view = open('about:blank', form.target);
      form.submit();
      return view;
    }),
  'a form in a frame without an origin': (url) => {
    const content = `<form method="post" action="${url}"></form><script>document.forms[0].submit()</script>`;
    frame({ srcdoc: content, sandbox: 'allow-scripts allow-forms' });
    return 'sent';
  },
  'a form that comes by a redirect': (url) => submit(onward(url, 307), { method: 'POST' }),
  'fetch without CORS': (url) => fetched(url, POST),
  'fetch that outlives its page': (url) => fetched(url, { ...POST, keepalive: true }),
  'fetch by a redirect': (url) => fetched(onward(url, 307), POST),
  'fetch with cookies': (url) => fetched(url, { ...POST, mode: 'cors' }),
  'fetch with the header': (url) => fetched(url, { ...POST, mode: 'cors', headers: header }),
  'fetch as DELETE': (url) => fetched(url, { method: 'DELETE', headers: header }),
  XMLHttpRequest: (url) => requested(url, 'POST'),
  'XMLHttpRequest with the header': (url) => requested(url, 'POST', header),
  'a beacon': (url) => navigator.sendBeacon(url, POST.body),
  'the ping of a link': (url) => {
    put('a', { href: '#here', ping: url }).click();
    return 'sent';
  },
  'a service worker': async (url) => {
    await navigator.serviceWorker.register('/worker.js');
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    active.postMessage(url, [port2]);
    port1.start();
    return new Promise((resolve) => port1.addEventListener('message', ({ data }) => resolve(data)));
  },
};

const reads = {
  'a form': (url) => submit(url, { method: 'GET' }, Object.fromEntries(new URL(url).searchParams)),
  'an image': (url) => loads('img', { src: url }),
  'a script': async (url) => [await loads('script', { src: url }), Object.keys(globalThis).length],
  'a module': (url) => import(url).then(Object.keys, ({ name }) => name),
  'a style sheet': (url) => {
    const link = put('link', { rel: 'stylesheet', href: url });
    return happens(link, 'load', 'error').then((how) => [how, link.sheet === null]);
  },
  'a frame': async (url) => {
    const into = frame({ src: url });
    await happens(into, 'load');
    return look(into.contentWindow);
  },
  'an object': (url) => loads('object', { data: url }),
  'a video': (url) => loads('video', { src: url }),
  'a prefetch': (url) => loads('link', { rel: 'prefetch', href: url, as: 'document' }),
  'a preload': (url) => loads('link', { rel: 'preload', href: url, as: 'fetch' }),
  'fetch without CORS': (url) => fetched(url, { mode: 'no-cors' }),
  'fetch with cookies': (url) => fetched(url),
  'fetch with the header': (url) => fetched(url, { headers: header }),
  XMLHttpRequest: (url) => requested(url, 'GET'),
  EventSource: (url) => happens(new EventSource(url, { withCredentials: true }), 'open', 'error'),
  WebSocket: (url) => happens(new WebSocket(url.replace('http', 'ws')), 'open', 'error'),
  'a new window': (url) => opened(() => open(url)),
  'a new window by a redirect': (url) => opened(() => open(onward(url, 303))),
};

globalThis.attacks = { sends, reads };
