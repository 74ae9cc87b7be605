/**
 * Control characters, those that hide or reorder text, line separators, and halves of characters. Names in manifests
 * and of files may hold them, and a terminal would obey.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A value as one line of text that neither a terminal nor the log of a CI server takes for a command. */
export function printable(value: string): string {
  return quoteCommands(value.replace(UNPRINTABLE, (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`));
}

/** Text of several lines, each of which is as harmless. */
export function printableText(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON whose lines are as harmless. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .replace(UNPRINTABLE, (one) =>
      one === '\n' ? one : [...Array(one.length).keys()].map((at) => `\\u${hex(one, at)}`).join(''),
    )
    .replaceAll('##', '#\\u0023');
}

function hex(text: string, at: number): string {
  return text.charCodeAt(at).toString(16).padStart(4, '0');
}

/** `::error` at the beginning of a line and `##[error]` anywhere are commands to GitHub, Azure and TeamCity. */
function quoteCommands(text: string): string {
  return text.replaceAll('##', '#\\u{23}').replace(/^(\s*):(?=:)/, '$1\\u{3a}');
}
