import type { Wanted } from './candidates';
import { alwaysHolds, Answer } from '../model/answer/answer';

/** Whether the request is answered as wanted, and by the host that was asked for. */
export function isAnsweredAsWanted({ outcome, insteadOf, ...answer }: Answer, { via }: Wanted = {}): boolean {
  return outcome === 'answered' && insteadOf === undefined && (via === undefined || answer.via === via);
}

/** Whether the answer is a yes without reserve: on no condition, and every time. */
export function isPlainYes(answer: Answer, wanted: Wanted = {}): boolean {
  return alwaysHolds(answer, (one) => isAnsweredAsWanted(one, wanted));
}

/** Whether a change gives what was wanted: from the host that was asked for, or from where its entry already led. */
export function isMended(before: Answer, then: Answer, wanted: Wanted): boolean {
  const { destination } = before;
  const isSameHost = then.answeredBy !== undefined && destination?.replace(/:\d+$/, '') === then.answeredBy;
  return isAnsweredAsWanted(isSameHost ? { ...then, insteadOf: undefined } : then, wanted);
}

/** Whether the request would lose something that it has now or was meant to have: TLS, a verified server name. */
export function isWorse(before: Answer, after: Answer): boolean {
  const codes = new Set(before.remarks.map(({ code }) => code));
  const losesTls = after.tlsOriginatedBy === 'none' && before.steps.some(({ kind }) => kind === 'originates-tls');
  // Clear text to a TLS port means that TLS should have been originated; clear text to another port does not mend that.
  const leavesInClear = codes.has('plaintext-to-443') && after.plaintextToHost;
  const hadIdentity =
    before.identityAtGateway !== undefined || before.steps.some(({ kind }) => kind === 'originates-mesh-tls');
  const isNew = (code: string) => !codes.has(code) && (code !== 'no-identity' || hadIdentity);
  return losesTls || leavesInClear || after.remarks.some(({ code }) => isNew(code));
}
