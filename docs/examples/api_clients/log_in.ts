import { ConnectLogin, Refusal } from "./index.js";

/** Returns a greeting, or what to do when the login is refused. */
export async function greet(service: string, code: string): Promise<string> {
  const shop = new ConnectLogin({ baseUrl: service });
  try {
    const answer = await shop.logIn("alipay", "mini", { code, device_id: "phone" });
    if (!("access_token" in answer)) return "Please read our terms first.";
    shop.accessToken = answer.access_token;
    return `Hello ${(await shop.me()).nickname}`;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.status < 500 ? "Please log in again." : "Please try later.";
  }
}
