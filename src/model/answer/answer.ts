import { Condition } from './conditions';
import { Symptom, TlsOriginator, Via } from '../../access/access-table';
import { FieldPath } from '../../manifests/field-path';

/** A field of an object that decided something. */
export interface FieldRef {
  readonly kind: string;
  /** Empty for what has no namespace, such as the mesh configuration. */
  readonly namespace: string;
  readonly name: string;
  /** Without it, the object as a whole. */
  readonly field?: FieldPath;
  /** File and document, or construct path. */
  readonly origin?: string;
}

/** ` by the gateway`; nothing where no hop refused. */
export function byWhom({ by }: Answer): string {
  return by === undefined ? '' : ` by the ${by === 'host' ? 'external host' : by}`;
}

/** Whether something holds of an answer without reserve: on no condition, and every time. */
export function alwaysHolds(answer: Answer, holds: (answer: Answer) => boolean): boolean {
  const possible = [answer, ...answer.alternatives.map((one) => one.answer)];
  return possible.every((one) => one.condition === undefined && holds(one));
}

export type HopName = 'application' | 'sidecar' | 'gateway' | 'host';

/** What a hop does with a request. */
export type StepKind =
  /** The application sends it. */
  | 'sends'
  /** It leaves the pod without its sidecar. */
  | 'bypasses-sidecar'
  /** The sidecar knows no route for it. */
  | 'undeclared'
  /** To the cluster that a route or a Service names. */
  | 'forwards'
  | 'originates-tls'
  | 'originates-mesh-tls'
  /** TLS that is written down and has no effect. */
  | 'ignores-tls'
  /** A server of a gateway takes it. */
  | 'arrives'
  | 'allows'
  /** The hop itself answers or closes: without a route, by a fault, a redirect, a policy. */
  | 'ends'
  /** Packets are dropped. */
  | 'drops'
  /** The external host receives it. */
  | 'receives';

/** Something that one hop does with the request, and the fields that decided it. */
export interface Step {
  readonly hop: HopName;
  readonly kind: StepKind;
  readonly text: string;
  readonly decidedBy: readonly FieldRef[];
}

/** Something on the egress path that is worth knowing although it may not have changed the answer. */
export interface Remark {
  /** Kebab-case, stable. */
  readonly code: string;
  readonly message: string;
  readonly decidedBy: readonly FieldRef[];
}

/** Another possible answer to the same request. */
export interface Alternative {
  /** Share of the requests, in percent, where the manifests give it. */
  readonly weight?: number;
  readonly because: string;
  readonly answer: Answer;
}

/** What happens to a request, in the terms of the access table. */
export interface Answer {
  readonly outcome: 'answered' | 'refused' | 'undetermined';
  /** The external host that answers: its name, or the address that was dialled where no host is known there. */
  readonly answeredBy?: string;
  /** The host that was asked for, where another one answers. */
  readonly insteadOf?: string;
  /** The last status that the caller sees, if the external host answers. */
  readonly status?: number;
  /** The statuses of the redirects that were followed before. */
  readonly redirects?: readonly number[];
  /** How a refusal looks to the caller. */
  readonly symptom?: Symptom;
  /** The hop that refused. */
  readonly by?: 'sidecar' | 'gateway' | 'host';
  readonly via?: Via;
  readonly tlsOriginatedBy?: TlsOriginator;
  /** Whether the external host received bytes that were not TLS, even if the request was refused. */
  readonly plaintextToHost: boolean;
  /** `<namespace>/<service account>` of the caller, as the gateway knows it from mutual TLS. */
  readonly identityAtGateway?: string;
  /** The server name that the external host received. */
  readonly serverName?: string;
  readonly protocol?: 'http/1.1' | 'h2' | 'tcp';
  /** Whether the external host received a client certificate. */
  readonly clientCertificate?: boolean;
  /** The common name in that client certificate, where the world gives it. */
  readonly clientCommonName?: string;
  /** Header names that reached the external host beyond those the application sent. */
  readonly addedHeaders?: readonly string[];
  /** The Host header, or `:authority`, that reached the external host. */
  readonly hostHeader?: string;
  /** Names of the request's headers that did not reach the external host, where it has any. */
  readonly removedHeaders?: readonly string[];
  /** The gateway on the egress path, `<namespace>/<name or labels>`. */
  readonly gateway?: string;
  /** Where the connection ends, `host:port` or `address:port`. */
  readonly destination?: string;
  /** Why the request is answered, refused or undetermined, in one sentence. */
  readonly reason: string;
  /** The fields that decided the outcome, the most relevant first. Empty if only the external host decided it. */
  readonly causes: readonly FieldRef[];
  readonly steps: readonly Step[];
  /** Other possible answers, by weight, endpoint or injected fault. The answer itself is the most likely one. */
  readonly alternatives: readonly Alternative[];
  readonly remarks: readonly Remark[];
  /** What the answer assumes because the manifests do not say it. */
  readonly assumptions: readonly string[];
  /** What must be so for the answer to hold, and how to say that it is; an answer without a condition is plain. */
  readonly condition?: Condition;
}
