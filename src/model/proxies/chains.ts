import { Address, holds, undeterminedIn } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { Destination } from '../routes/destination';
import { Service } from '../objects/service';
import { isPartialWildcard } from '../../istio/hosts';
import { sameForm } from '../../istio/ranges';
import { addTo } from '../../values/grouping';

/** What a listener can tell from the first bytes of a connection. */
export interface FirstBytes {
  readonly kind: 'http' | 'tls' | 'bytes';
  readonly serverName?: string;
}

/** A filter chain: the connections that it matches, and what happens to them. */
export interface Chain {
  readonly serverNames: readonly string[];
  readonly ranges: readonly string[];
  /** Whether it is tried like a chain with a range, although it matches every address. */
  readonly isRanged?: boolean;
  /** Whether it matches only what looks like plaintext HTTP. */
  readonly inspected: boolean;
  /** Reads HTTP: for the routes of one service, where the protocol was detected; without one, for all routes. */
  readonly http?: { readonly own?: Service };
  /** Destinations of bytes that are not read as HTTP. */
  readonly forward?: readonly Destination[];
  readonly decidedBy: readonly FieldRef[];
}

/**
 * Envoy's choice among filter chains: by the narrowest range, then the server name, then the detected protocol. It
 * never goes back to a wider range or another name.
 */
export class ChainFinder<Kind extends Chain = Chain> {
  /** Two chains that match the same connections, and the server name: Envoy rejects a listener that has them. */
  public readonly overlap?: { readonly one: Kind; readonly other: Kind; readonly name: string };
  /** A chain for a server name that begins with `*` and no dot after it, for which Envoy rejects a listener too. */
  public readonly partial?: { readonly chain: Kind; readonly name: string };
  private readonly fallback?: Kind;
  private readonly ranges: { range: string; bits: number }[] = [];
  private readonly nodes = new Map<string, Map<string, Kind[]>>();
  private readonly readsServerName: boolean;
  private readonly readsHttp: boolean;

  constructor(chains: readonly Kind[]) {
    this.readsServerName = chains.some(({ serverNames }) => serverNames.length > 0);
    this.readsHttp = chains.some(({ inspected }) => inspected);
    for (const chain of chains) {
      const partial = chain.serverNames.find(isPartialWildcard);
      if (partial !== undefined) this.partial ??= { chain, name: partial };
      if (
        (chain.serverNames.length === 0 || chain.serverNames.includes('*')) &&
        !chain.inspected &&
        !chain.isRanged &&
        chain.ranges.length === 0
      ) {
        if (this.fallback) this.overlap ??= { one: this.fallback, other: chain, name: '' };
        this.fallback = chain;
        continue;
      }
      if (isRepeated(chain.ranges, sameForm) || isRepeated(chain.serverNames, (name) => name.toLowerCase()))
        this.overlap ??= { one: chain, other: chain, name: '' };
      for (const range of chain.ranges.length > 0 ? chain.ranges.map(sameForm) : ['']) {
        let node = this.nodes.get(range);
        if (!node) {
          this.nodes.set(range, (node = new Map()));
          if (range !== '') this.ranges.push({ range, bits: Number(range.split('/')[1] ?? 32) });
        }
        const names = chain.serverNames.includes('*') || chain.serverNames.length === 0 ? [''] : chain.serverNames;
        for (const name of names.map((one) => one.toLowerCase())) {
          const one = node.get(name)?.find((other) => isAlike(other, chain));
          if (one) this.overlap ??= { one, other: chain, name };
          addTo(node, name, chain);
        }
      }
    }
    this.ranges.sort((a, b) => b.bits - a.bits);
  }

  /** The chain that matches a connection to an address, if there is one; at a gateway it is the gateway's own. */
  public find(address: Address | undefined, first: FirstBytes): Kind | undefined {
    return this.chainIn(this.nodeFor(address), first) ?? this.fallback;
  }

  private nodeFor(address: Address | undefined): Map<string, Kind[]> | undefined {
    for (const { range } of address === undefined ? [] : this.ranges) {
      // An unknown address is tried in each range by whoever asks (`addressesThatDecide`).
      const isHeld = holds(range, address!);
      const node = this.nodes.get(range)!;
      if (isHeld) return node;
      if (isHeld === undefined)
        throw undeterminedIn(
          range,
          address!,
          [...node.values()].flat().flatMap((one) => one.decidedBy),
        );
    }
    return this.nodes.get('');
  }

  private chainIn(node: Map<string, Kind[]> | undefined, first: FirstBytes): Kind | undefined {
    if (!node) return undefined;
    const isTlsSeen = first.kind === 'tls' && this.readsServerName;
    const list = this.chainsFor(node, isTlsSeen ? first.serverName : undefined);
    if (!list) return undefined;
    const inspected = list.filter((chain) => chain.inspected);
    if (!isTlsSeen && inspected.length > 0) return this.readsHttp && first.kind === 'http' ? inspected[0] : undefined;
    return list.find((chain) => !chain.inspected);
  }

  private chainsFor(node: Map<string, Kind[]>, serverName?: string): Kind[] | undefined {
    if (serverName !== undefined) {
      const name = serverName.toLowerCase();
      const exact = node.get(name);
      if (exact) return exact;
      for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
        const wildcard = node.get(`*${name.slice(dot)}`);
        if (wildcard) return wildcard;
      }
    }
    return node.get('');
  }
}

/**
 * Whether two chains ask for the same of a connection, beside its address and server name. A chain that names a server
 * twice meets itself.
 */
function isAlike(one: Chain, other: Chain): boolean {
  return (
    one !== other && one.inspected === other.inspected && one.serverNames.length > 0 === other.serverNames.length > 0
  );
}

/** Whether two texts that differ mean the same. */
function isRepeated(texts: readonly string[], meaning: (text: string) => string): boolean {
  const different = new Set(texts);
  return new Set([...different].map(meaning)).size < different.size;
}
