import { brand } from './brand';
import { assertPortNumber, portNumberInstead } from './ip-range';
import { shown } from './shown';
import { SIDECAR_PORTS } from '../istio/ports';
import { isHttp } from '../istio/protocols';

/** The protocol that applications speak on a port of an external host. */
export enum EgressProtocol {
  // The values are the names in manifests. What Istio reads of each (`src/istio/protocols.ts`) decides what every part
  // of the library makes of it.
  /** Plain HTTP/1.1. The mesh can originate TLS for it. */
  HTTP = 'HTTP',
  /** Plain HTTP/2 with prior knowledge. The mesh can originate TLS for it. */
  HTTP2 = 'HTTP2',
  /** Plain gRPC. The mesh can originate TLS for it. */
  GRPC = 'GRPC',
  /** TLS from the application, such as HTTPS. Routed by its server name (SNI), never terminated. */
  TLS = 'TLS',
  /** Any other protocol over TCP. Routed by address. */
  TCP = 'TCP',
}

/** A number to write in an error, where the given one tells nothing. */
const EXAMPLES = {
  [EgressProtocol.HTTP]: 80,
  [EgressProtocol.HTTP2]: 80,
  [EgressProtocol.GRPC]: 50051,
  [EgressProtocol.TLS]: 443,
  [EgressProtocol.TCP]: 5432,
} satisfies Record<EgressProtocol, number>;

/**
 * A port of an external host and the protocol that applications speak on it.
 *
 * Every factory refuses numbers that are not TCP ports, and ports on which the sidecar itself listens, such as 15001.
 *
 * @example
 * new SidecarEgress(chart, 'api', { hosts: ['grpc.example.com'], ports: [EgressPort.grpc(50051), EgressPort.tls(8443)] });
 */
export class EgressPort {
  /**
   * Plain HTTP.
   *
   * @param number the port that applications call, 80 by default. 443 is refused, since clients speak TLS there.
   */
  public static http(number?: number): EgressPort {
    return new EgressPort(number ?? 80, EgressProtocol.HTTP);
  }

  /**
   * Plain HTTP/2 with prior knowledge.
   *
   * @param number the port that applications call, 80 by default. 443 is refused, since clients speak TLS there.
   */
  public static http2(number?: number): EgressPort {
    return new EgressPort(number ?? 80, EgressProtocol.HTTP2);
  }

  /**
   * Plain gRPC. For gRPC over TLS from the application use `EgressPort.tls()`.
   *
   * @param number the port that applications call. 443 is refused, since clients speak TLS there.
   */
  public static grpc(number: number): EgressPort {
    return new EgressPort(number, EgressProtocol.GRPC);
  }

  /**
   * TLS from the application: HTTPS, gRPC over TLS, or any other protocol that begins with a TLS handshake with a
   * server name (SNI).
   *
   * @param number the port that applications call, 443 by default
   */
  public static tls(number?: number): EgressPort {
    return new EgressPort(number ?? 443, EgressProtocol.TLS);
  }

  /**
   * Any other protocol over TCP. Routed by address, so the egress needs `addresses` or `dnsCapture`.
   *
   * @param number the port that applications call
   */
  public static tcp(number: number): EgressPort {
    return new EgressPort(number, EgressProtocol.TCP);
  }

  /** The name of the port in manifests: protocol and number, such as `http-80`. */
  public readonly name: string;

  private constructor(
    /** The port that applications call. */
    public readonly number: number,
    /** The protocol that applications speak on it. */
    public readonly protocol: EgressProtocol,
  ) {
    const factory = `EgressPort.${protocol.toLowerCase()}`;
    const where = `${factory}(${shown(number)})`;
    try {
      const instead = portNumberInstead(number, EXAMPLES[protocol]).replace(
        /\d+$/,
        (digits) => `${factory}(${digits})`,
      );
      assertPortNumber(number, instead);
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`);
    }
    if (SIDECAR_PORTS.includes(number)) {
      throw new Error(
        `${where}: the sidecar itself listens on port ${number}, so Istio ignores declarations for it. ` +
          'Call the host on another port, or let named workloads bypass the sidecar with DirectEgress',
      );
    }
    if (number === 443 && this.isHttp) {
      throw new Error(
        `${where}: clients speak TLS on port 443, and TLS on a port declared ${protocol} reaches nothing. ` +
          'Write EgressPort.tls(443); to originate TLS for plain HTTP, add EgressPort.http(80) and a TlsOrigination',
      );
    }
    this.name = `${protocol.toLowerCase()}-${number}`;
    brand(this, 'EgressPort');
  }

  /** Whether the mesh reads requests on this port (HTTP, HTTP/2, gRPC) or only passes bytes (TLS, TCP). */
  public get isHttp(): boolean {
    return isHttp(this.protocol);
  }
}

/** Refuses a port that a gateway cannot listen on. */
export function assertListeningPort(number: number): number {
  assertPortNumber(number);
  if (SIDECAR_PORTS.includes(number))
    throw new Error(`the proxy itself listens on port ${number}; choose another port, such as 8443`);
  return number;
}
