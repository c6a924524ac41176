export * from "./api.js";
export { Refusal, UnexpectedAnswer, type Options } from "./transport.js";
