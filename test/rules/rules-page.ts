import { RULES } from '../../src/rules';

/** docs/rules.md. Renew it with `npm run docs:update`. */
export function rulesPage(): string {
  return [
    '# Rules that stop synth',
    '',
    'What no single construct can see is checked at synth, over every object of the app: ours, and whatever ' +
      'else the app emits. A finding that concerns',
    'at least one object of these constructs stops synth, names every object with its construct path, and ' +
      'nothing is written. What stands',
    'between two objects that are not ours is left alone.',
    '',
    'The rules know only the manifests: any YAML can be judged by them, whoever wrote it. What cannot be ' +
      'decided from the manifests alone is no finding.',
    '',
    '| rule | what it finds |',
    '|---|---|',
    ...RULES.map((rule) => `| [${rule.code}](#${rule.code}) | ${rule.title.replace(/\|/g, '\\|')} |`),
    '| [egress-path-conflict](#egress-path-conflict) | Two declarations of the same way in one app that ' +
      'disagree about an option |',
    '',
    ...RULES.flatMap((rule) => [
      `## ${rule.code}`,
      '',
      `${rule.title}.`,
      '',
      `**Why.** ${rule.reason}`,
      '',
      `**Instead.** ${rule.cure}`,
      '',
      ...(rule.see ? [`See <${rule.see}>.`, ''] : []),
      '<details><summary>stopped, and let pass</summary>',
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
    'Two declarations of the same way (namespace, host and gateway) in one app that disagree about an option.',
    '',
    '**Why.** A namespace reaches a host by one way; whichever objects came first would decide for both.',
    '',
    '**Instead.** Declare it once, or give both declarations the same options.',
    '',
  ].join('\n');
}
