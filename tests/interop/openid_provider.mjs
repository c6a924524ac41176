// An OpenID provider (npm's oidc-provider, certified) on loopback. The first line of standard input is its clients; it
// says its issuer, then rotates its keys at every further line. Everybody who is asked logs in as the person `login` names.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const clients = JSON.parse((await lines.next()).value);

function makeKey(alg) {
  const options = alg === 'ES256' ? ['ec', { namedCurve: 'P-256' }] : ['rsa', { modulusLength: 2048 }];
  const { privateKey } = generateKeyPairSync(...options);
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() };
}

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [makeKey('RS256'), makeKey('ES256')] },
    cookies: { keys: ['made-up'] },
    claims: { openid: ['sub'], profile: ['name', 'picture'] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `Name of ${id}`, picture: 'https://img.example/1.png' }),
    }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false } },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
  });
  return provider;
}

async function agree(provider, request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: session?.accountId ?? 'lihua', clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const result = prompt.name === 'login' ? { login: { accountId: 'lihua' } } : { consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

let provider;
const server = createServer((request, response) => {
  if (request.url.startsWith('/interaction/')) agree(provider, request, response).catch((error) => response.destroy(error));
  else provider.callback()(request, response);
});
server.listen(0, '127.0.0.1', async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provider = makeProvider(issuer);
  console.log(JSON.stringify({ issuer }));
  for await (const _ of lines) {
    provider = makeProvider(issuer);
    console.log('rotated');
  }
  process.exit(0);
});
