import { LINT_RULES } from '../../src/lint/lint';

/** docs/rules.md. Renew it with `npm run docs:update`. */
export function rulesPage(): string {
  return [
    '# Rules',
    '',
    'The rules look only at manifests, so they apply to any YAML: [`lint`](lint.md) runs them. What the manifests do',
    'not show is not a finding. `error`: requests fail, or something else happens to them than the object says.',
    '`warning`: the same in a case that manifests do not decide, or a protection is weaker than it looks.',
    '',
    'They also run at synth, over all objects of the app: those of these constructs and any others that the app ' +
      'emits. A',
    'finding that involves at least one object of these constructs stops synth and names every object with its ' +
      'construct',
    'path; nothing is written. Findings that involve only objects of other authors are left to `lint`.',
    '',
    '| rule | severity | what it finds |',
    '|---|---|---|',
    ...LINT_RULES.map(
      ({ code, severity, title }) => `| [${code}](#${code}) | ${severity} | ${title.replace(/\|/g, '\\|')} |`,
    ),
    '| [egress-path-conflict](#egress-path-conflict) | at synth | Two declarations of one egress path in an app ' +
      'with different options, or endpoints that lead past a gateway |',
    '',
    ...LINT_RULES.flatMap((rule) => [
      `## ${rule.code}`,
      '',
      `${rule.title}.`,
      '',
      `**Why.** ${rule.reason}`,
      '',
      `**Instead.** ${rule.cure}`,
      '',
      ...(rule.see ? [`See <${rule.see}>.`, ''] : []),
      '<details><summary>Found, and not found</summary>',
      '',
      '```yaml',
      rule.bad.trim(),
      '```',
      '',
      '```yaml',
      rule.good.trim(),
      '```',
      '',
      '</details>',
      '',
    ]),
    '## egress-path-conflict',
    '',
    'Two declarations of one egress path (namespace, host and gateway) in an app with different options; or endpoints that ' +
      'are a host which the namespace reaches through a gateway.',
    '',
    '**Why.** A namespace has one egress path to a host; the declaration that comes first would decide for both. ' +
      'Where the endpoints of an open host are one behind a gateway, its connections reach that one past the gateway.',
    '',
    '**Instead.** Declare it once, give both declarations the same options, or write other endpoints.',
    '',
  ].join('\n');
}
