// A mini program's platform as Node.js has it: `wx` and `my` with a storage, codes from the arguments, and fetch.
// Runs the example of the documentation, and prints what it got as one line of JSON.

const [platform, ...codes] = process.argv.slice(2);
const storage = new Map();
const later = (callback, value) => setTimeout(() => callback(value));
const requests = [];
let logins = 0;

const takeCode = () => {
  logins += 1;
  return codes.shift();
};

const ask = async ({ method, url, headers, body }) => {
  requests.push(new URL(url).pathname);
  const options = { method, headers: { ...headers, accept: '*/*' } };
  if (method !== 'GET' && body !== undefined) options.body = body;
  const response = await fetch(url, options);
  const text = await response.text();
  return { status: response.status, data: text ? JSON.parse(text) : '' };
};

globalThis.wx = {
  login: ({ success }) => later(success, { code: takeCode() }),
  request: async ({ method, url, header, data, success }) => {
    const { status, data: answer } = await ask({ method, url, headers: header, body: data && JSON.stringify(data) });
    success({ statusCode: status, data: answer });
  },
  getStorageSync: (key) => storage.get(key) ?? '',
  setStorageSync: (key, value) => storage.set(key, structuredClone(value)),
  removeStorageSync: (key) => storage.delete(key),
};

globalThis.my = {
  getAuthCode: ({ success }) => later(success, { authCode: takeCode() }),
  request: async ({ method, url, headers, data, success, fail }) => {
    const answer = await ask({ method, url, headers, body: data });
    if (answer.status >= 400) fail({ error: 19, errorMessage: 'http status error', ...answer });
    else success(answer);
  },
  getStorageSync: ({ key }) => ({ data: storage.get(key) ?? null }),
  setStorageSync: ({ key, data }) => storage.set(key, structuredClone(data)),
  removeStorageSync: ({ key }) => storage.delete(key),
};

const { session } = await import(`./${platform}.js`);
const me = () => session.request('GET', '/connect/me');

const [first, second] = await Promise.all([me(), me()]); // nobody is logged in yet
const loginsOfTwo = logins;
storage.set('tokens', { ...storage.get('tokens'), access_token: 'run out' });
const before = requests.length;
const [renewed, shared] = await Promise.all([me(), me()]);
const refreshes = requests.slice(before).filter((path) => path.endsWith('/refresh')).length;
const { refresh_token } = storage.get('tokens');
await session.post('/connect/logout', { refresh_token }); // ended elsewhere
const again = await me();
await session.logOut();
const isForgotten = !storage.has('tokens');
let refusal = '';
codes.unshift('no such code');
await me().catch((error) => { refusal = error.answer.code; });

console.log(JSON.stringify({
  uids: [first, second, renewed, shared, again].map(({ data }) => data.uid),
  loginsOfTwo,
  refreshes,
  logins,
  isForgotten,
  refusal,
}));
