// What a program does with the TypeScript client; prints what it got as one line of JSON.
import { ConnectLogin, Refusal } from "./dist/index.js";
import { greet } from "./dist/log_in.js";

const [baseUrl, code, other] = process.argv.slice(2);
const connect = new ConnectLogin({ baseUrl });
const refusalOf = async (call) => {
  try {
    await call();
  } catch (error) {
    if (error instanceof Refusal) return [error.status, error.code, error.requestId.length > 0];
    throw error;
  }
  return "no refusal";
};

const providers = await connect.listProviders({ client: "mini" });
const begun = await connect.getLoginUrl("alipay", "pc", { return_to: "/cart" });
const notAllowed = await refusalOf(() => connect.getLoginUrl("alipay", "pc", { return_to: "https://evil.example" }));
const tokens = await connect.logIn("alipay", "mini", { code });
connect.accessToken = tokens.access_token;
const me = await connect.me();
const connections = await connect.listConnections();
const renewed = await connect.refresh({ refresh_token: tokens.refresh_token });
const left = await connect.logOut({ refresh_token: renewed.refresh_token });
const after = await refusalOf(() => connect.me());
const greetings = [await greet(baseUrl, other), await greet(baseUrl, other)];
const again = await refusalOf(() => connect.logIn("alipay", "mini", { code }));
console.log(
  JSON.stringify({
    providers: providers.map((offered) => offered.provider),
    begins: begun.login_url.startsWith("http"),
    isSame: me.uid === tokens.uid && renewed.uid === me.uid,
    connections: connections.map((linked) => linked.union_type),
    left: left === undefined,
    notAllowed,
    after,
    greetings,
    again,
  }),
);
