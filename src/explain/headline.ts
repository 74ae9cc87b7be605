import { Answer } from '../model';
import { byWhom } from '../model/answer/answer';

/** An answer in one line. */
export function headline(answer: Answer): string {
  const condition = answer.condition === undefined ? '' : `if ${answer.condition.holds}: `;
  const isOtherwise = answer.alternatives.some(({ answer: other }) => isYes(other) !== isYes(answer));
  return `${condition}${isOtherwise ? 'not always: ' : ''}${unconditional(answer)}`;
}

function isYes({ outcome, insteadOf }: Answer): boolean {
  return outcome === 'answered' && insteadOf === undefined;
}

function unconditional(answer: Answer): string {
  switch (answer.outcome) {
    case 'answered':
      return [...(answer.redirects ?? []).map((status) => `${status}, then `), answer.reason].join('');
    case 'undetermined':
      return `undetermined: ${answer.reason}`;
    default:
      return `${refused(answer)}, because ${answer.reason}`;
  }
}

/** An answer without the reason of a refusal. */
export function inBrief(answer: Answer): string {
  return answer.outcome === 'refused' ? refused(answer) : headline(answer);
}

function refused(answer: Answer): string {
  return `refused${byWhom(answer)}: ${seen(answer)}`;
}

/** What the caller sees of a refusal. */
function seen({ symptom, redirects = [] }: Answer): string {
  const words: Record<string, string> = {
    'tls-closed': 'TLS closed (curl 35)',
    closed: 'connection closed (curl 52 or 56)',
    timeout: 'no answer until the timeout (curl 28)',
    'certificate-rejected': 'certificate rejected (curl 60)',
    'grpc-unavailable': 'gRPC status 14, unavailable',
  };
  return [...redirects, words[String(symptom)] ?? String(symptom ?? 'no answer')].join(', then ');
}
