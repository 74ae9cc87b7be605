import { Symptom, TlsOriginator, Via } from '../access/access-table';

/** One field of one object, which decided something. */
export interface FieldRef {
  readonly kind: string;
  /** Empty for what lies outside namespaces, as the mesh's own settings. */
  readonly namespace: string;
  readonly name: string;
  /** Path below the object, as `spec.http[0].route[0].destination.subset`; without it the object as a whole. */
  readonly field?: string;
  /** File and document, or construct path. */
  readonly origin?: string;
}

export type HopName = 'application' | 'sidecar' | 'gateway' | 'host';

/** Something that one hop does with the request, and what made it do so. */
export interface Step {
  readonly hop: HopName;
  readonly text: string;
  readonly decidedBy: readonly FieldRef[];
}

/** Something on the way that is worth knowing although it need not have changed this answer. */
export interface Remark {
  /** Kebab-case, stable. */
  readonly code: string;
  readonly message: string;
  readonly decidedBy: readonly FieldRef[];
}

/** Another answer that the same request gets some of the time. */
export interface Alternative {
  /** Share of the requests, in percent, where the manifests say it. */
  readonly weight?: number;
  readonly because: string;
  readonly answer: Answer;
}

/** What happens to a request, in the words of the access table. */
export interface Answer {
  readonly outcome: 'answered' | 'refused' | 'undetermined';
  /** The last status that the caller sees, when the external host answers. */
  readonly status?: number;
  /** The redirects that it was led through before. */
  readonly redirects?: readonly number[];
  /** How a refused call looks to the caller. */
  readonly symptom?: Symptom;
  /** Who refused. */
  readonly by?: 'sidecar' | 'gateway' | 'host';
  readonly via?: Via;
  readonly tlsOriginatedBy?: TlsOriginator;
  /** Whether the external host received bytes that were not TLS, also of a call that was refused. */
  readonly plaintextToHost: boolean;
  /** `<namespace>/<service account>` of the caller, as the gateway's mutual TLS saw it. */
  readonly identityAtGateway?: string;
  /** The server name that the external host was asked for. */
  readonly serverName?: string;
  readonly protocol?: 'http/1.1' | 'h2' | 'tcp';
  /** Whether the external host saw a client certificate. */
  readonly clientCertificate?: boolean;
  /** The common name in the client certificate that the external host saw, where the world tells it. */
  readonly clientCommonName?: string;
  /** Header names that reached the external host beyond those the application sent. */
  readonly addedHeaders?: readonly string[];
  /** The gateway on the way, `<namespace>/<name or labels>`. */
  readonly gateway?: string;
  /** Where the connection ends, `host:port` or `address:port`. */
  readonly destination?: string;
  /** One sentence: why it is answered, refused or not determined. */
  readonly reason: string;
  /** What decided the outcome; first the field to look at. Empty when nothing but the external host did. */
  readonly causes: readonly FieldRef[];
  readonly steps: readonly Step[];
  /** Other answers that the same request gets some of the time: weights. The answer itself is the likeliest. */
  readonly alternatives: readonly Alternative[];
  readonly remarks: readonly Remark[];
  /** What the answer takes for granted because the manifests do not hold it. */
  readonly assumptions: readonly string[];
}
