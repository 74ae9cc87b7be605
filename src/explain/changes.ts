import { candidates, Candidate } from './candidates';
import { headline } from './text';
import { Via } from '../access/access-table';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest, World } from '../model';
import { separateMalformed } from '../model/well-formed';

/** A change of the manifests that gives what was asked for; the model has tried it out. */
export interface Change {
  /** The object, the field, the value. */
  readonly text: string;
  /** What happens then. */
  readonly then: string;
  readonly answer: Answer;
}

export interface Wanted {
  /** The way that the request shall take. @default - any */
  readonly via?: Via;
}

/** Whether the answer is what somebody wants. */
export function isWanted(answer: Answer, { via }: Wanted = {}): boolean {
  return answer.outcome === 'answered' && (via === undefined || answer.via === via);
}

/**
 * The smallest change that makes the request succeed, as wanted: one field of one object before several, objects that
 * are there before new ones. Nothing is proposed that the model has not asked again.
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
  // Who goes through a gateway is not led round it, unless that is what is asked for.
  const kept: Wanted = { via: wanted.via ?? (answer.via === 'gateway' ? 'gateway' : undefined) };
  const found = candidates({ objects, world, caller, request, answer, wanted }).sort((a, b) => cost(a) - cost(b));
  for (const candidate of found) {
    const then = EgressModel.of(applied(objects, candidate), world).ask(caller, request);
    if (!isWanted(then, kept) || then.remarks.some(({ code }) => code === 'ignored-credential')) continue;
    if (candidate.weakens === undefined && isWorse(answer, then)) continue;
    const warning = candidate.weakens === undefined ? '' : `\nthis weakens what is there: ${candidate.weakens}`;
    return { text: `${candidate.text}${warning}`, then: headline(then), answer: then };
  }
  return undefined;
}

/** Whether the request would lose something on its way that it has now or was meant to have: TLS, a checked name. */
function isWorse(before: Answer, after: Answer): boolean {
  const codes = new Set(before.remarks.map(({ code }) => code));
  const losesTls =
    after.tlsOriginatedBy === 'none' &&
    before.steps.some(({ hop, text }) => hop !== 'application' && text.startsWith('TLS'));
  // Clear text to a TLS port means that TLS was to begin on the way: clear text to another port is not what was wanted.
  const leavesInClear = codes.has('plaintext-to-443') && after.plaintextToHost;
  return losesTls || leavesInClear || after.remarks.some(({ code }) => !codes.has(code));
}

/** What gives something up comes after everything that does not. */
function cost({ size, weakens }: Candidate): number {
  return size + (weakens === undefined ? 0 : 100);
}

function applied(objects: readonly EgressObject[], { edits, added = [] }: Candidate): EgressObject[] {
  const changed = objects.map((object) => {
    const own = edits.filter((edit) => edit.object === object);
    if (own.length === 0) return object;
    const manifest = JSON.parse(JSON.stringify(object.manifest));
    for (const { change } of own) change(manifest);
    return { manifest, origin: object.origin };
  });
  return [...changed, ...added.map((manifest) => ({ manifest, origin: 'proposed' }))];
}
