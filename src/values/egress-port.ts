import { assertPortNumber } from './ip-range';
import { SIDECAR_PORTS } from '../istio/ports';
import { isHttp, IstioProtocol } from '../istio/protocols';

/** What applications speak on a port of an external host. */
export enum EgressProtocol {
  /** Plain HTTP/1.1. Can be upgraded to TLS on the way out. */
  HTTP = 'HTTP',
  /** Plain HTTP/2 with prior knowledge. Can be upgraded to TLS on the way out. */
  HTTP2 = 'HTTP2',
  /** Plain gRPC. Can be upgraded to TLS on the way out. */
  GRPC = 'GRPC',
  /** The application's own TLS, HTTPS above all; routed by the server name it asks for, never opened. */
  TLS = 'TLS',
  /** Any other protocol over TCP; routed by address. */
  TCP = 'TCP',
}

/** What Istio calls each of them. A new one begins here: its name decides what every part of the library makes of it. */
const ISTIO_PROTOCOL = {
  [EgressProtocol.HTTP]: 'HTTP',
  [EgressProtocol.HTTP2]: 'HTTP2',
  [EgressProtocol.GRPC]: 'GRPC',
  [EgressProtocol.TLS]: 'TLS',
  [EgressProtocol.TCP]: 'TCP',
} as const satisfies Record<EgressProtocol, IstioProtocol>;

/**
 * A port of an external host and what applications speak on it.
 */
export class EgressPort {
  /**
   * Plain HTTP.
   *
   * @param number the port that applications call, 80 unless given. 443 is refused: clients speak TLS there.
   */
  public static http(number?: number): EgressPort {
    return new EgressPort(number ?? 80, EgressProtocol.HTTP);
  }

  /**
   * Plain HTTP/2 with prior knowledge.
   *
   * @param number the port that applications call, 80 unless given. 443 is refused: clients speak TLS there.
   */
  public static http2(number?: number): EgressPort {
    return new EgressPort(number ?? 80, EgressProtocol.HTTP2);
  }

  /**
   * Plain gRPC. An application's gRPC over TLS is `EgressPort.tls()`.
   *
   * @param number the port that applications call. 443 is refused: clients speak TLS there.
   */
  public static grpc(number: number): EgressPort {
    return new EgressPort(number, EgressProtocol.GRPC);
  }

  /**
   * The application's own TLS: HTTPS, gRPC over TLS, and whatever else begins with a TLS handshake that names its
   * server (SNI).
   *
   * @param number the port that applications call, 443 unless given
   */
  public static tls(number?: number): EgressPort {
    return new EgressPort(number ?? 443, EgressProtocol.TLS);
  }

  /**
   * Any other protocol over TCP. Routed by address, so its host needs `addresses`.
   *
   * @param number the port that applications call
   */
  public static tcp(number: number): EgressPort {
    return new EgressPort(number, EgressProtocol.TCP);
  }

  /** The name of the port in manifests: protocol and number. */
  public readonly name: string;

  private constructor(
    /** The port that applications call. */
    public readonly number: number,
    /** What applications speak on it. */
    public readonly protocol: EgressProtocol,
  ) {
    this.name = `${protocol.toLowerCase()}-${number}`;
    const where = `EgressPort.${protocol.toLowerCase()}(${number})`;
    try {
      assertPortNumber(number);
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`);
    }
    if (SIDECAR_PORTS.includes(number)) {
      throw new Error(
        `${where}: the sidecar itself listens on port ${number}, so Istio skips what is declared there. ` +
          'Call the host on another port, or let named workloads past the sidecar with DirectEgress',
      );
    }
    if (number === 443 && this.isHttp) {
      throw new Error(
        `${where}: clients speak TLS on port 443, and TLS on a port declared ${protocol} reaches nothing. ` +
          'Write EgressPort.tls(443); to send plain HTTP out as TLS, add EgressPort.http(80) and a TlsOrigination',
      );
    }
  }

  /** Whether the mesh reads requests on this port (HTTP, HTTP/2, gRPC) instead of passing bytes. */
  public get isHttp(): boolean {
    return isHttp(ISTIO_PROTOCOL[this.protocol]);
  }
}

/** Refuses what a proxy cannot listen on. */
export function assertListeningPort(number: number): number {
  assertPortNumber(number);
  if (SIDECAR_PORTS.includes(number))
    throw new Error(`the proxy itself listens on port ${number}; take another, such as 8443`);
  return number;
}
