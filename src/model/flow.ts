import { FirstBytes } from './chains';
import { ClientTls } from './cluster';
import { HttpRequest } from './http-route';

/** One layer of TLS around what is sent. */
export interface Layer {
  readonly by: 'application' | 'sidecar' | 'gateway';
  readonly serverName?: string;
  /** Mutual TLS inside the mesh: the certificate names the workload. */
  readonly identity?: string;
  /** The settings that began it; the application's own has none here. */
  readonly settings?: ClientTls;
  /** The service's names for the other side, where the settings have none. */
  readonly subjectAltNames?: readonly string[];
  /** What the request calls the host, where the proxy reads HTTP. */
  readonly authority?: string;
  /** Whose Secrets count. */
  readonly namespace?: string;
}

/** What travels: a request or bytes, in layers of TLS, the outermost last. */
export interface Flow {
  readonly payload: 'http' | 'bytes';
  readonly layers: readonly Layer[];
  readonly http?: HttpRequest;
  /** Header names that proxies have added. */
  readonly added: ReadonlySet<string>;
  /** Whether proxies send it on as HTTP/2. */
  readonly http2?: boolean;
  readonly speak?: 'http2' | 'grpc' | 'websocket';
}

export function outermost(flow: Flow): Layer | undefined {
  return flow.layers[flow.layers.length - 1];
}

/** What a proxy can tell from the first bytes. */
export function firstBytes(flow: Flow): FirstBytes {
  const layer = outermost(flow);
  if (layer) return { kind: 'tls', serverName: layer.serverName };
  return { kind: flow.payload };
}

/** Whether a proxy can read the request. */
export function isReadable(flow: Flow): boolean {
  return flow.payload === 'http' && flow.layers.length === 0;
}

/** The request with headers that a proxy adds where the application has not set them. */
export function withHeaders(flow: Flow, names: readonly string[]): Flow {
  const added = new Set(flow.added);
  for (const name of names) if (!flow.http!.headers.has(name)) added.add(name);
  return { ...flow, added };
}
