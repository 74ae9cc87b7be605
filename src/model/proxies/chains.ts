import { Address, holds } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { Destination } from '../routes/destination';
import { Service } from '../objects/service';
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
export class ChainFinder {
  private readonly fallback?: Chain;
  private readonly ranges: { range: string; bits: number }[] = [];
  private readonly nodes = new Map<string, Map<string, Chain[]>>();
  private readonly readsServerName: boolean;
  private readonly readsHttp: boolean;

  constructor(chains: readonly Chain[]) {
    this.readsServerName = chains.some(({ serverNames }) => serverNames.length > 0);
    this.readsHttp = chains.some(({ inspected }) => inspected);
    for (const chain of chains) {
      if (
        (chain.serverNames.length === 0 || chain.serverNames.includes('*')) &&
        !chain.inspected &&
        !chain.isRanged &&
        chain.ranges.length === 0
      ) {
        this.fallback = chain;
        continue;
      }
      for (const range of chain.ranges.length > 0 ? chain.ranges : ['']) {
        let node = this.nodes.get(range);
        if (!node) {
          this.nodes.set(range, (node = new Map()));
          if (range !== '') this.ranges.push({ range, bits: Number(range.split('/')[1] ?? 32) });
        }
        const names = chain.serverNames.includes('*') || chain.serverNames.length === 0 ? [''] : chain.serverNames;
        for (const name of names) {
          addTo(node, name, chain);
        }
      }
    }
    this.ranges.sort((a, b) => b.bits - a.bits);
  }

  /** The chain that matches a connection to an address, if there is one; at a gateway it is the gateway's own. */
  public find(address: Address | undefined, first: FirstBytes): Chain | undefined {
    return this.chainIn(this.nodeFor(address), first) ?? this.fallback;
  }

  private nodeFor(address: Address | undefined): Map<string, Chain[]> | undefined {
    for (const { range } of address === undefined ? [] : this.ranges) {
      // An unknown address is tried in each range by whoever asks (`addressesThatDecide`).
      if (holds(range, address!)) return this.nodes.get(range);
    }
    return this.nodes.get('');
  }

  private chainIn(node: Map<string, Chain[]> | undefined, first: FirstBytes): Chain | undefined {
    if (!node) return undefined;
    const isTlsSeen = first.kind === 'tls' && this.readsServerName;
    const list = this.chainsFor(node, isTlsSeen ? first.serverName : undefined);
    if (!list) return undefined;
    const inspected = list.filter((chain) => chain.inspected);
    if (!isTlsSeen && inspected.length > 0) return this.readsHttp && first.kind === 'http' ? inspected[0] : undefined;
    return list.find((chain) => !chain.inspected);
  }

  private chainsFor(node: Map<string, Chain[]>, serverName?: string): Chain[] | undefined {
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
