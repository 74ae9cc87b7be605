/** Whether a text means true, as Go reads a boolean from the environment. */
export function isTrue(value: unknown): boolean {
  return /^(1|t|T|TRUE|true|True)$/.test(String(value));
}
