// Alipay's own SDK for Node.js, unchanged: reads a job as JSON from standard input, writes what the SDK made of it.
//
// A job: `config` for the SDK, `protocol` (`v2`, `v3`), `code`, `validateSign` (V2 only; V3 always verifies),
// `needEncrypt` (V3 only), and `phone`, the text of my.getPhoneNumber.
import { readFileSync } from 'node:fs';
import { AlipaySdk } from 'alipay-sdk';

const job = JSON.parse(readFileSync(0, 'utf8'));
const sdk = new AlipaySdk(job.config);

async function logInV2() {
  const options = { validateSign: job.validateSign };
  const token = await sdk.exec('alipay.system.oauth.token', { grantType: 'authorization_code', code: job.code }, options);
  if (!token.accessToken) return { token };
  return { token, person: await sdk.exec('alipay.user.info.share', { authToken: token.accessToken }, options) };
}

async function logInV3() {
  const { data: token } = await sdk.curl('POST', '/v3/alipay/system/oauth/token', {
    body: { grant_type: 'authorization_code', code: job.code },
    needEncrypt: job.needEncrypt,
  });
  const { data: person } = await sdk.curl('POST', '/v3/alipay/user/info/share', {
    query: { auth_token: token.access_token },
  });
  return { token, person };
}

function readPhone() {
  const { response, sign } = JSON.parse(job.phone);
  return { isVerified: sdk.rsaCheck(`"${response}"`, sign), phone: JSON.parse(sdk.aesDecrypt(response)) };
}

try {
  const told = job.phone ? readPhone() : await (job.protocol === 'v3' ? logInV3() : logInV2());
  console.log(JSON.stringify(told));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, code: error.code ?? '' }));
}
