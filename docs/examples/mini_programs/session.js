// The member's login in a mini program: begins it, keeps its tokens, renews them, and sends requests as the member.

export class Session {
  // `platform` has getCode(), send({ method, url, headers, body }), read() and write(tokens)
  constructor(service, provider, platform) {
    this.service = service;
    this.provider = provider;
    this.platform = platform;
    this.underWay = null;
  }

  // Logs in, with a new code: a code works once.
  async logIn() {
    const code = await this.platform.getCode();
    return this.keep(await this.post(`/connect/${this.provider}/mini/token`, { code, device_id: 'mini' }));
  }

  // Sends a request to your shop as the member, who is logged in first if need be.
  async request(method, path, body) {
    const tokens = this.platform.read() || (await this.share(() => this.logIn()));
    const answer = await this.send(method, path, body, tokens.access_token);
    if (answer.status !== 401) return answer;
    const renewed = await this.share(() => this.renew(tokens));
    return this.send(method, path, body, renewed.access_token);
  }

  // Ends the login, here and at the service.
  async logOut() {
    const tokens = this.platform.read();
    this.platform.write(null);
    if (tokens) await this.post('/connect/logout', { refresh_token: tokens.refresh_token });
  }

  async renew({ refresh_token }) {
    const answer = await this.post('/connect/token/refresh', { refresh_token });
    if (answer.status !== 401) return this.keep(answer);
    this.platform.write(null); // the login has ended
    return this.logIn();
  }

  // Requests at the same time share one login and one renewal: a refresh token works once.
  share(begin) {
    this.underWay = this.underWay || begin().finally(() => { this.underWay = null; });
    return this.underWay;
  }

  // Stores the tokens of an answer. Anything else is thrown: a refusal has a `code`, a newcomer's choice a `choice_ticket`.
  keep({ status, data }) {
    if (status !== 200 || !data.access_token) throw Object.assign(new Error('not logged in'), { status, answer: data });
    this.platform.write(data);
    return data;
  }

  post(path, body) {
    return this.send('POST', path, body);
  }

  send(method, path, body, token) {
    const headers = { 'content-type': 'application/json' };
    if (token) headers.authorization = `Bearer ${token}`;
    return this.platform.send({ method, url: this.service + path, headers, body });
  }
}
