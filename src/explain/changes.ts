import { candidates, Candidate, Wanted } from './candidates';
import { headline } from './headline';
import { OtherRequests, SideEffect } from './side-effects';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest, World } from '../model';
import { PROPOSED } from '../model/ages';
import { separateMalformed } from '../model/well-formed';

export type { Wanted } from './candidates';

/** A change to the manifests that makes the request succeed as wanted, verified by the model. */
export interface Change {
  /** The object, the field and the value. */
  readonly text: string;
  /** The answer after the change, in one line. */
  readonly then: string;
  readonly answer: Answer;
}

/** Whether the request is answered as wanted, and by the host that was asked for. */
export function isAnsweredAsWanted({ outcome, insteadOf, ...answer }: Answer, { via }: Wanted = {}): boolean {
  return outcome === 'answered' && insteadOf === undefined && (via === undefined || answer.via === via);
}

/** Whether the answer is a yes without reserve: on no condition, and every time. */
export function isPlainYes(answer: Answer, wanted: Wanted = {}): boolean {
  return (
    answer.condition === undefined &&
    [answer, ...answer.alternatives.map((other) => other.answer)].every((one) => isAnsweredAsWanted(one, wanted))
  );
}

/**
 * The smallest change that makes the request succeed as wanted: one field of one object before several, existing
 * objects before new ones. The model answers the request again with each candidate, so what is proposed works.
 */
export function smallestChange(
  all: readonly EgressObject[],
  world: World,
  caller: ModelCaller,
  request: ModelRequest,
  answer: Answer,
  wanted: Wanted = {},
): Change | undefined {
  const { objects } = separateMalformed(all);
  // A request that goes through a gateway is not led round it, unless `wanted` says so.
  const kept: Wanted = { via: wanted.via ?? (answer.via === 'gateway' ? 'gateway' : undefined) };
  const found = candidates({ objects, world, caller, request, answer, wanted }).sort((a, b) => cost(a) - cost(b));
  const others = new OtherRequests(() => EgressModel.of(objects, world), objects, caller, request);
  for (const candidate of found) {
    const changed = EgressModel.of(applied(objects, candidate), world);
    // What the API server or Istio's webhook rejects is never proposed.
    if (changed.malformed.length > 0) continue;
    const then = changed.ask(caller, request);
    if (!isAnsweredAsWanted(then, kept) || then.remarks.some(({ code }) => code === 'ignored-credential')) continue;
    if (candidate.weakens === undefined && isWorse(answer, then)) continue;
    const effects = others.changedBy(changed);
    if (effects.some((effect) => others.isUnasked(effect))) continue;
    const warning = candidate.weakens === undefined ? '' : `\nthis weakens the configuration: ${candidate.weakens}`;
    return { text: `${candidate.text}${warning}${alsoText(effects)}`, then: headline(then), answer: then };
  }
  return undefined;
}

/** The most other requests that a proposal lists. */
const MOST_EFFECTS = 4;

function alsoText(effects: readonly SideEffect[]): string {
  const lines = effects
    .slice(0, MOST_EFFECTS)
    .map(
      ({ caller: { namespace, serviceAccount }, url, after }) =>
        `\nalso changes ${namespace}/${serviceAccount} ${url}: ${headline(after)}`,
    );
  const rest = effects.length - lines.length;
  return [...lines, ...(rest > 0 ? [`\nand ${rest} more`] : [])].join('');
}

/** Whether the request would lose something that it has now or was meant to have: TLS, a verified server name. */
function isWorse(before: Answer, after: Answer): boolean {
  const codes = new Set(before.remarks.map(({ code }) => code));
  const losesTls = after.tlsOriginatedBy === 'none' && before.steps.some(({ kind }) => kind === 'originates-tls');
  // Clear text to a TLS port means that TLS should have been originated; clear text to another port does not mend that.
  const leavesInClear = codes.has('plaintext-to-443') && after.plaintextToHost;
  return losesTls || leavesInClear || after.remarks.some(({ code }) => !codes.has(code));
}

/** Candidates that weaken something come after all others. */
function cost({ size, weakens }: Candidate): number {
  return size + (weakens === undefined ? 0 : 100);
}

/** The objects after a candidate is applied. */
export function applied(
  objects: readonly EgressObject[],
  { edits, added = [] }: Pick<Candidate, 'edits' | 'added'>,
): EgressObject[] {
  const changed = objects.map((object) => {
    const own = edits.filter((edit) => edit.object === object);
    if (own.length === 0) return object;
    const manifest = JSON.parse(JSON.stringify(object.manifest));
    for (const { change } of own) change(manifest);
    return { manifest, origin: object.origin };
  });
  // What is applied after all the rest is the youngest.
  return [
    ...changed,
    ...added.map((manifest: any) => ({
      manifest: { ...manifest, metadata: { ...manifest.metadata, creationTimestamp: PROPOSED } },
      origin: 'proposed',
    })),
  ];
}
