import { isMended, isPlainYes, isWorse } from './as-wanted';
import { candidates, Candidate, Wanted } from './candidates';
import { destinationsOf, hopOf } from './candidates/hops';
import { inProgram } from './which-construct';
import { indexOf, isTlsMeant } from './lookups';
import { headline } from './headline';
import { UNDECLARED_HOST } from './other-requests';
import { effectLines, OtherRequests, requestText, SideEffect } from './side-effects';
import { fullHost } from '../istio/hosts';
import { portsOf } from '../istio/protocols';
import { Manifest } from '../manifests/egress-object';
import { ManifestIndex } from '../manifests/manifest-index';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest } from '../model';
import { PROPOSED } from '../model/objects/ages';
import { checkManifests, Finding } from '../rules';

export type { Wanted } from './candidates';

/** The limit on candidates that are tried, each of which asks the model. */
const MOST_TRIED = 80;

/** Reserved for documentation, so no host has it. */
const UNDECLARED_ADDRESS = '198.51.100.251';

/** A change to the manifests that makes the request succeed as wanted, verified by the model. */
export interface Change {
  /** The objects, the fields and the values; for objects of this library's constructs, the construct and the prop. */
  readonly text: string;
  /** What else changes, one line each. */
  readonly also: readonly string[];
  /** The other requests that were asked and are answered differently. */
  readonly effects: readonly SideEffect[];
  /** The answer after the change, in one line. */
  readonly then: string;
  readonly answer: Answer;
  /** The manifests after the change. */
  readonly objects: readonly EgressObject[];
}

/**
 * The smallest change that makes the request succeed as wanted: one field of one object before several, existing
 * objects before new ones, one change before two. The model answers this request and others again with each candidate:
 * what is proposed works, is admitted, and opens or breaks nothing else.
 */
export function smallestChange(
  model: EgressModel,
  caller: ModelCaller,
  request: ModelRequest,
  answer: Answer,
  wanted: Wanted = {},
): Change | undefined {
  return new Search(model, caller, request, answer, wanted).smallest();
}

/** Candidates that have been applied one after another, and what the model then says. */
interface Attempt {
  readonly model: EgressModel;
  readonly index: () => ManifestIndex;
  readonly answer: Answer;
  /** Without the last of them. */
  readonly before?: Attempt;
  readonly changes: readonly Candidate[];
  readonly texts: readonly string[];
}

class Search {
  private readonly start: Attempt;
  private readonly others: OtherRequests;
  private readonly kept: Wanted;
  private findings?: ReturnType<typeof findingsOf>;

  constructor(
    private readonly model: EgressModel,
    private readonly caller: ModelCaller,
    private readonly request: ModelRequest,
    answer: Answer,
    private readonly wanted: Wanted,
  ) {
    const index = indexOf(model);
    this.start = { model: withUndeclaredHost(model), index: () => index, answer, changes: [], texts: [] };
    this.others = new OtherRequests(this.start.model, caller, request);
    // A request that goes or is routed to a gateway is not led round it, unless `wanted` says so.
    const isMeantFor = answer.via === 'gateway' || isRoutedToService(index, answer);
    this.kept = { via: wanted.via ?? (isMeantFor ? 'gateway' : undefined) };
  }

  public smallest(): Change | undefined {
    const further: Attempt[] = [];
    let weaker: Change | undefined;
    for (const attempt of this.after(this.start, MOST_TRIED)) {
      const change = this.changeOf(attempt);
      if (change && !attempt.changes.some(isWeakening)) return change;
      weaker ??= change;
      if (isFurther(attempt)) further.push(attempt);
    }
    for (const first of further)
      for (const attempt of this.after(first, MOST_TRIED / further.length)) {
        const change = this.isWithoutReserve(attempt) ? this.changeOf(attempt) : undefined;
        if (change) return change;
      }
    return weaker;
  }

  /** Two changes together are a bolder proposal: they weaken nothing, amend no new object, and work every time. */
  private isWithoutReserve({ answer, changes }: Attempt): boolean {
    const isNew = changes.some(({ edits }) => edits.some(({ object }) => object.origin === 'proposed'));
    return !isNew && !changes.some(isWeakening) && isPlainYes(answer, this.kept);
  }

  /** With each of the next candidates, the smallest first. */
  private *after(last: Attempt, most: number): Generator<Attempt> {
    const { model, answer, changes, texts } = last;
    const { caller, request, wanted } = this;
    const index = last.index();
    const tried = candidates({ index, world: this.model.world, caller, request, answer, wanted })
      .sort((a, b) => cost(a) - cost(b))
      .slice(0, most);
    for (const candidate of tried) {
      const text = inProgram(candidate, index, caller);
      if (text === undefined) continue;
      const changed = model.with(applied(model.objects, candidate));
      // What the API server or Istio's webhook rejects is never proposed.
      if (changed.malformed.length > 0) continue;
      yield {
        model: changed,
        index: () => indexOf(changed),
        answer: changed.ask(caller, request),
        changes: [...changes, candidate],
        texts: [...texts, text],
        before: last,
      };
    }
  }

  /** What is proposed, if it does what it must and nothing else. */
  private changeOf({ model, answer: then, changes, texts, before }: Attempt): Change | undefined {
    const { start, others } = this;
    if (!isMended(start.answer, then, this.kept)) return undefined;
    if (then.remarks.some(({ code }) => code === 'ignored-credential')) return undefined;
    const weakens = changes.flatMap((change) => change.weakens ?? []);
    if (weakens.length === 0 && losesSomething(before, then)) return undefined;
    const edited = changes.flatMap(({ edits, added = [] }) => [
      ...edits.map(({ object }) => object),
      ...added.map(asObject),
    ]);
    const effects = others.changedBy(model, edited);
    // Whom the changes to policies and servers let in: who is answered without them is let in by the other change.
    const unguarded = changes.filter((change) => !isGuard(change));
    const isMixed = unguarded.length > 0 && unguarded.length < changes.length;
    const without = isMixed ? start.model.with(unguarded.reduce(applied, start.model.objects)) : undefined;
    const isLetIn = ({ caller, ...request }: SideEffect) =>
      without ? without.ask(caller, request).outcome !== 'answered' : unguarded.length === 0;
    if (effects.some((effect) => others.isUnasked(effect, isLetIn(effect)))) return undefined;
    const all = [...findingsOf(model)];
    if (all.length > 0) this.findings ??= findingsOf(this.model);
    const found = all.filter(([finding]) => !this.findings?.has(finding));
    if (found.some(([, { severity, code }]) => severity === 'error' || code === 'destination-rule-conflict'))
      return undefined;
    return {
      text: [texts.join('\nand '), ...weakens.map((what) => `this weakens the configuration: ${what}`)].join('\n'),
      also: [
        ...alsoLines(effectLines(effects, requestText(this.request), then), others.unasked),
        ...found.map(([finding, { severity }]) => `lint then has a new ${severity}: ${finding}`),
      ],
      effects,
      then: headline(then),
      answer: then,
      objects: model.objects,
    };
  }
}

/** Whether the request then gets further, to another refusal: the first of two mistakes is mended. */
function isFurther({ answer, changes, before }: Attempt): boolean {
  return (
    answer.outcome === 'refused' && answer.steps.length > before!.answer.steps.length && !changes.some(isWeakening)
  );
}

/** Whether the request would lose what it had or met before any of the changes. */
function losesSomething(before: Attempt | undefined, then: Answer): boolean {
  if (before === undefined) return false;
  // A request that is routed to a port for TLS does not leave in plaintext instead.
  const isInClear = then.plaintextToHost && isRoutedToTls(before.index(), before.answer);
  return isInClear || isWorse(before.answer, then) || losesSomething(before.before, then);
}

function isWeakening({ weakens }: Candidate): boolean {
  return weakens !== undefined;
}

/** What lint finds, by code and message. */
function findingsOf({ objects, world }: EgressModel): Map<string, Pick<Finding, 'severity' | 'code'>> {
  const found = checkManifests(objects, { rootNamespace: world.mesh?.rootNamespace });
  return new Map(found.map((finding) => [`${finding.code}: ${finding.message}`, finding]));
}

/** The model, of a world in which a host that nobody declares answers, so that what opens it is seen. */
function withUndeclaredHost(model: EgressModel): EgressModel {
  const { objects, world } = model;
  if (world.external === undefined) return model;
  const host = { host: UNDECLARED_HOST, address: UNDECLARED_ADDRESS, http: 'ok', https: 'ok' } as const;
  const ports = indexOf(model)
    .ofKind('ServiceEntry')
    .flatMap((entry) => portsOf(entry));
  const tcp = [...new Set(ports.map(({ number }) => number))];
  return EgressModel.of(objects, { ...world, external: [...world.external, { ...host, tcp }] });
}

/** Whether a route for the request leads to a Kubernetes Service, as that of a gateway. */
function isRoutedToService(index: ManifestIndex, answer: Answer): boolean {
  return destinationsOf(index, answer).some(({ routes, destination: { host } }) => hopOf(routes, host) !== undefined);
}

/** Whether a route for the request leads to a port of an external host that is meant for TLS. */
function isRoutedToTls(index: ManifestIndex, answer: Answer): boolean {
  return destinationsOf(index, answer).some(({ routes, destination: { host = '', port } }) => {
    const isExternal = host !== '' && hopOf(routes, host) === undefined;
    return isExternal && port?.number !== undefined && isTlsMeant(index, fullHost(host, routes), port.number);
  });
}

/** The most other requests that a proposal lists. */
const MOST_EFFECTS = 4;

function alsoLines(lines: readonly string[], unasked: number): string[] {
  return [
    ...lines.slice(0, MOST_EFFECTS),
    ...(lines.length > MOST_EFFECTS ? [`and ${lines.length - MOST_EFFECTS} more changes`] : []),
    ...(unasked > 0 ? [`not asked: ${unasked} other requests, further from this one`] : []),
  ];
}

/** Whether a candidate changes something that tells callers apart: a server of a gateway, or a policy. */
function isGuard({ edits }: Candidate): boolean {
  return edits.some(
    ({ object: { manifest }, field }) =>
      /Policy$/.test(manifest.kind) ||
      (manifest.kind === 'Gateway' && /^spec\.servers\[\d+\]\.(tls|port\.protocol)/.test(field ?? '')),
  );
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
    const own = edits.filter((edit) => edit.object.manifest === object.manifest);
    if (own.length === 0) return object;
    const copy: Manifest = JSON.parse(JSON.stringify(object.manifest));
    return { manifest: own.reduce((manifest, { change }) => change(manifest), copy), origin: object.origin };
  });
  return [...changed, ...added.map(asObject)];
}

/** A proposed object: what is applied after all the rest is the youngest. */
function asObject(manifest: Manifest): EgressObject {
  return {
    manifest: { ...manifest, metadata: { ...manifest.metadata, creationTimestamp: PROPOSED } },
    origin: 'proposed',
  };
}
