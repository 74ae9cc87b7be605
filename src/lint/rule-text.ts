import { LINT_RULES } from './lint';
import { nearest } from '../values/nearest';
import { Usage } from '../cli/outcome';

/** All rules, one a line. */
export function rulesText(): string {
  const width = Math.max(...LINT_RULES.map(({ code }) => code.length));
  const lines = LINT_RULES.map(({ code, severity, title }) => `${code.padEnd(width)}  ${severity.padEnd(7)}  ${title}`);
  return `${lines.join('\n')}\n\nWhy, and what to write instead: npx cdk8s-istio-egress rules ${LINT_RULES[0].code}\n`;
}

/** One rule, with everything that is known about it. */
export function ruleText(code: string): string {
  const rule = LINT_RULES.find((one) => one.code === code);
  if (!rule) {
    const known = LINT_RULES.map((one) => one.code);
    const meant = nearest(code, known);
    throw new Usage(
      `rules: there is no rule "${code}"; ${meant === undefined ? 'rules lists all' : `did you mean ${meant}?`}`,
    );
  }
  const { severity, title, reason, cure, see, good, bad } = rule;
  return (
    `${code} (${severity})\n${title}.\n\nWhy: ${reason}\n\nInstead: ${cure}\n` +
    `${see === undefined ? '' : `See: ${see}\n`}\nGood:\n\n${good.trim()}\n\nBad:\n\n${bad.trim()}\n`
  );
}
