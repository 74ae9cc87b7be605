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
import { alwaysHolds } from '../model/answer/answer';
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

/** Whether the request is answered as wanted, and by the host that was asked for. */
export function isAnsweredAsWanted({ outcome, insteadOf, ...answer }: Answer, { via }: Wanted = {}): boolean {
  return outcome === 'answered' && insteadOf === undefined && (via === undefined || answer.via === via);
}

/** Whether the answer is a yes without reserve: on no condition, and every time. */
export function isPlainYes(answer: Answer, wanted: Wanted = {}): boolean {
  return alwaysHolds(answer, (one) => isAnsweredAsWanted(one, wanted));
}

/**
 * The smallest change that makes the request succeed as wanted: one field of one object before several, existing
 * objects before new ones. The model answers this request and others again with each candidate: what is proposed works,
 * is admitted, and opens or breaks nothing else.
 */
export function smallestChange(
  model: EgressModel,
  caller: ModelCaller,
  request: ModelRequest,
  answer: Answer,
  wanted: Wanted = {},
): Change | undefined {
  const { objects } = model;
  const index = indexOf(model);
  // A request that goes or is routed to a gateway is not led round it, unless `wanted` says so.
  const isMeantFor = answer.via === 'gateway' || isRoutedToService(index, answer);
  const kept: Wanted = { via: wanted.via ?? (isMeantFor ? 'gateway' : undefined) };
  // A request that is routed to a port for TLS does not leave in plaintext instead.
  const isForTls = isRoutedToTls(index, answer);
  let findings: ReturnType<typeof findingsOf> | undefined;
  const tried = candidates({ index, world: model.world, caller, request, answer, wanted })
    .sort((a, b) => cost(a) - cost(b))
    .slice(0, MOST_TRIED);
  const before = withUndeclaredHost(model);
  const others = new OtherRequests(before, caller, request);
  for (const candidate of tried) {
    const text = inProgram(candidate, index, caller);
    if (text === undefined) continue;
    const changed = before.with(applied(objects, candidate));
    // What the API server or Istio's webhook rejects is never proposed.
    if (changed.malformed.length > 0) continue;
    const then = changed.ask(caller, request);
    if (!isMended(answer, then, kept) || then.remarks.some(({ code }) => code === 'ignored-credential')) continue;
    if (candidate.weakens === undefined && (isWorse(answer, then) || (isForTls && then.plaintextToHost))) continue;
    const edited = [...candidate.edits.map(({ object }) => object), ...(candidate.added ?? []).map(asObject)];
    const effects = others.changedBy(changed, edited);
    if (effects.some((effect) => others.isUnasked(effect, isGuard(candidate)))) continue;
    const all = [...findingsOf(changed)];
    if (all.length > 0) findings ??= findingsOf(model);
    const found = all.filter(([finding]) => !findings?.has(finding));
    if (found.some(([, { severity, code }]) => severity === 'error' || code === 'destination-rule-conflict')) continue;
    const warning = candidate.weakens === undefined ? '' : `\nthis weakens the configuration: ${candidate.weakens}`;
    return {
      text: `${text}${warning}`,
      also: [
        ...alsoLines(effectLines(effects, requestText(request), then), others.unasked),
        ...found.map(([finding, { severity }]) => `lint then has a new ${severity}: ${finding}`),
      ],
      effects,
      then: headline(then),
      answer: then,
      objects: changed.objects,
    };
  }
  return undefined;
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

/** Whether a change gives what was wanted: from the host that was asked for, or from where its entry already led. */
function isMended(before: Answer, then: Answer, wanted: Wanted): boolean {
  const { destination } = before;
  const isSameHost = then.answeredBy !== undefined && destination?.replace(/:\d+$/, '') === then.answeredBy;
  return isAnsweredAsWanted(isSameHost ? { ...then, insteadOf: undefined } : then, wanted);
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

/** Whether the request would lose something that it has now or was meant to have: TLS, a verified server name. */
function isWorse(before: Answer, after: Answer): boolean {
  const codes = new Set(before.remarks.map(({ code }) => code));
  const losesTls = after.tlsOriginatedBy === 'none' && before.steps.some(({ kind }) => kind === 'originates-tls');
  // Clear text to a TLS port means that TLS should have been originated; clear text to another port does not mend that.
  const leavesInClear = codes.has('plaintext-to-443') && after.plaintextToHost;
  const hadIdentity =
    before.identityAtGateway !== undefined || before.steps.some(({ kind }) => kind === 'originates-mesh-tls');
  const isNew = (code: string) => !codes.has(code) && (code !== 'no-identity' || hadIdentity);
  return losesTls || leavesInClear || after.remarks.some(({ code }) => isNew(code));
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
