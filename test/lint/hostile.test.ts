import { lintFiles, unverified } from './support';
import { printable } from '../../src/cli/printable';

/** What an author of manifests could write to deceive a terminal, a log, or who reads it. */
const HOSTILE = {
  'a terminal escape': '\u001b[2J\u001b[1;31mall is well',
  'a terminal title in C1': '\u009d0;owned\u009c',
  'a carriage return': 'x\rnothing found',
  'a line that is a command': 'x\n::error file=a.yaml::owned',
  'a line separator': 'x\u2028::warning::owned',
  'a command that is percent-encoded': 'x%0A::error::owned',
  'the end of a property': 'x,line=1::owned',
  'a command of older runners': '##[add-path]/tmp',
  'a command of Azure': '##vso[task.setvariable variable=a]b',
  'text that runs backwards': '\u202edetfir\u202c',
  'what cannot be seen': 'a\u200b\u2060\ufeffb',
  'tags, which only machines read': '\u{e0041}\u{e007f}',
  'a section of GitLab': 'section_end:1:a\r\u001b[0K',
  'a link': '[x](https://evil.example)',
  'half a character': '\ud800',
};
const OUTPUTS = ['text', 'json', 'sarif', 'github', 'gitlab', 'baseline'];
const CASES = Object.entries(HOSTILE).flatMap(([what, text]) => OUTPUTS.map((output) => [what, output, text] as const));

test.each(CASES)('%s stays a name in %s', (_what, output, text) => {
  const quoted = JSON.stringify(text);
  const object = unverified('a', `, annotations: { cdk8s-istio-egress/acknowledge-double-tls: ${quoted} }`)
    .replace('name: a,', `name: ${quoted},`)
    .replace('host: a.example.com', `host: ${quoted}`)
    .replace('sni: a.example.com', `sni: ${quoted}`);
  const { out } = lintFiles({ 'a.yaml': object }, '--output', output);
  expect(out).not.toMatch(/[\p{Cs}]/u);
  expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(out).not.toContain('##');
  const commands = out.split('\n').filter((line) => /^\s*::/.test(line));
  if (output === 'github') {
    expect(commands.length).toBeGreaterThan(0);
    for (const line of commands) expect(line).toMatch(/^::(error|notice) [^:]*::[^:]/);
    expect(out).not.toMatch(/%(?!25|3A|2C)/);
  } else {
    expect(commands).toEqual([]);
  }
  if (output === 'json' || output === 'sarif') expect(() => JSON.parse(out)).not.toThrow();
});

test('a file name cannot begin a line with a command, or hold one', () => {
  for (const name of ['::error title=x::owned.yaml', '##[error]owned.yaml', 'a\n::error::b.yaml', '\u001b[2Ja.yaml']) {
    for (const output of ['text', 'github']) {
      const { out } = lintFiles({ [name]: unverified('a') }, '--output', output);
      expect(out).toContain('unverified-name');
      expect(out).not.toMatch(/##|\p{Cc}(?<!\n)|^::error(::b| title=x::owned)/mu);
    }
  }
});

test('an unknown kind with a pod template is a name too', () => {
  const object =
    'apiVersion: example.com/v1\nkind: "::error::x"\nmetadata: { name: a, namespace: shop }\n' +
    'spec: { template: { spec: { containers: [{ name: a }] } } }\n';
  const { out } = lintFiles({ 'a.yaml': `${object}---\n${object}` });
  expect(out).toContain('duplicate-object');
  expect(out).not.toMatch(/^\s*::/m);
});

test('what is harmless stays as it is', () => {
  expect(printable('Köln 東京 🎉 a:b 100 % #1')).toBe('Köln 東京 🎉 a:b 100 % #1');
});
