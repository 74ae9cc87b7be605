import { Spoken } from '../../access/access-table';
import { FirstBytes } from '../proxies/chains';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { ClientTls } from '../proxies/client-tls';
import { CertificateNames } from '../registry/registry';
import { HttpRequest } from '../requests/http-request';

/** One layer of TLS around what is sent. */
export interface Layer {
  readonly by: 'application' | 'sidecar' | 'gateway';
  readonly serverName?: string;
  /** In mutual TLS of the mesh: the workload that the certificate names. */
  readonly identity?: string;
  /** The settings that originated it; none for the application's own TLS. */
  readonly settings?: ClientTls;
  /** What counts where the settings have no subjectAltNames; none in mutual TLS of the mesh. */
  readonly declared?: CertificateNames;
  /** Whether a proxy offers HTTP/2 alone in the handshake (ALPN); otherwise it offers nothing, or HTTP/1.1. */
  readonly offersHttp2?: boolean;
  /** The authority of the request, where the proxy reads HTTP. */
  readonly authority?: string;
  /** The proxy's namespace, where its Secrets are. */
  readonly namespace?: string;
  /** The proxy's service account, where it is known. */
  readonly serviceAccount?: string;
}

/** What is sent: a request or bytes, in layers of TLS, the outermost last. */
export interface Flow {
  readonly payload: 'http' | 'bytes';
  readonly layers: readonly Layer[];
  readonly http?: HttpRequest;
  /** Header names that proxies have added. */
  readonly added: ReadonlySet<string>;
  /** Whether it is sent as HTTP/2. */
  readonly http2?: boolean;
  readonly speak?: Spoken;
}

export function outermost(flow: Flow): Layer | undefined {
  return flow.layers[flow.layers.length - 1];
}

/** What a proxy can tell from the first bytes of the connection. */
export function firstBytes(flow: Flow): FirstBytes {
  const layer = outermost(flow);
  if (layer) return { kind: 'tls', serverName: layer.serverName };
  return { kind: flow.payload };
}

/** That a proxy sends the bytes of a request in TLS that offers another version of HTTP, if it does. */
export function otherHttp({ payload, http2 = false }: Flow, { by, offersHttp2 = false }: Layer): string | undefined {
  if (payload !== 'http' || by === 'application' || offersHttp2 === http2) return undefined;
  return offersHttp2
    ? `the ${by} offers HTTP/2 in the handshake, and passes on the application's HTTP/1.1`
    : `the ${by} does not offer HTTP/2 in the handshake, and passes on the application's HTTP/2`;
}

/** Whether a proxy can read the request as HTTP. */
export function isReadable(flow: Flow): boolean {
  return flow.payload === 'http' && flow.layers.length === 0;
}

/** The flow with headers that a proxy adds unless the application has set them. */
export function withHeaders(flow: Flow, names: readonly string[]): Flow {
  const added = new Set(flow.added);
  for (const name of names) if (!flow.http!.headers.has(name)) added.add(name);
  return { ...flow, added };
}

/** The TLS settings that originated a layer, or one of their fields, as what decided an answer. */
export function settingsOf({ settings }: Layer, field?: keyof ClientTls['value']): FieldRef[] {
  return settings
    ? [fieldRef(settings.object, field === undefined ? settings.field : `${settings.field}.${field}`)]
    : [];
}
