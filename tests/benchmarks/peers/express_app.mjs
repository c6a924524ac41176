// Express and Alipay's own SDK for Node.js; sessions and members are in memory. The SDK writes the machine's local time.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AlipaySdk } from 'alipay-sdk';
import express from 'express';
import session from 'express-session';

process.env.TZ = 'Asia/Shanghai';
const { service, providers } = JSON.parse(readFileSync(process.argv[4].replace(/toml$/, 'json'), 'utf8'));
const vendor = providers.alipay.pc;
const back = `${service.public_url}/connect/alipay/pc/callback`;
const members = new Map();
const sdk = new AlipaySdk({
  appId: vendor.app_id,
  privateKey: vendor.private_key,
  keyType: 'PKCS8',
  alipayPublicKey: vendor.alipay_public_key,
  gateway: vendor.gateway_url,
});

const app = express();
app.use(session({ secret: service.secret_keys[0], resave: false, saveUninitialized: false }));
app.get('/healthz', (request, response) => response.end());

app.get('/connect/alipay/pc/login', (request, response) => {
  const state = (request.session.state = randomBytes(16).toString('hex'));
  const asked = new URLSearchParams({ app_id: vendor.app_id, scope: 'auth_user', redirect_uri: back, state });
  response.redirect(303, `${vendor.authorize_url}?${asked}`);
});

app.get('/connect/alipay/pc/callback', async (request, response, next) => {
  const { state } = request.session;
  delete request.session.state;
  if (!state || state !== request.query.state) return response.sendStatus(400);
  const asked = { grantType: 'authorization_code', code: request.query.auth_code };
  const token = await sdk.exec('alipay.system.oauth.token', asked, { validateSign: true });
  if (!members.has(token.userId)) {
    const person = await sdk.exec('alipay.user.info.share', { authToken: token.accessToken }, { validateSign: true });
    if (!person.nickName) return response.sendStatus(502);
    members.set(token.userId, members.size + 1);
  }
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.uid = members.get(token.userId);
    response.redirect(303, '/');
  });
});

app.get('/connect/me', (request, response) => response.json({ uid: request.session.uid }));
app.listen(Number(process.argv[6]), '127.0.0.1');
